"""The library beside its peers: `make bench`, or `python -m benchmarks training attention`.

    compare        run several actions in turns; the ratio of their times, with its spread
    machine        the machine in words
    ceilings       the most that the machine can do: products, bytes
    peers          models of one size: ours, and those of other packages
    training       a training step
    attention      attention over 128 to 8192 positions: time and memory
    decoding       tokens one by one, with GPT-2 small's size
    decoders       the same beside picoGPT's way and llama.cpp
    pico, llama    these two
    growth         what a cached token costs as the text grows
    tokenizing     text to tokens, and training, beside tokenizers
    startup        what `import tantra` adds to `import torch`
    report         the tables, for each kind of processor
    picture        the pictures

A part is a module with a function rows(ceilings, budget), which yields a Row for each comparison,
or a Skipped with the reason.  No row is ever asserted: seconds belong to one machine and one hour.
"""
