"""What the parts count and say, without measuring anything."""

import dataclasses
import functools
import types

import pytest
import torch

import tantra
from benchmarks import __main__ as command
from benchmarks import ceilings, decoding, growth, machine, memory, peers, report
from benchmarks.attention import _flops
from benchmarks.compare import Ratio, Row
from benchmarks.peers import Size

CPUINFO = """\
processor\t: 0
model name\t: A Processor
flags\t\t: fpu avx2 fma sse2 avx512_bf16

processor\t: 1
model name\t: A Processor
flags\t\t: fpu avx2 fma sse2 avx512_bf16
"""


def test_the_machine_in_words():
    facts = machine.cpu_facts(CPUINFO)
    assert facts == {"model": "A Processor", "sets": "avx2, fma, avx512_bf16"}
    assert machine.cpu_facts("Features\t: asimd bf16 fp") == {"sets": "asimd, bf16"}
    assert machine.cpu_facts("") == {}


@pytest.mark.parametrize(
    ("processor", "sets", "kind"),
    [
        ("Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz", "avx2, amx_bf16", "Intel Xeon Platinum"),
        ("AMD EPYC", "avx2, fma", "AMD EPYC, avx2"),
        ("aarch64", "", "aarch64"),
    ],
)
def test_the_kind_of_a_processor(processor, sets, kind):
    found = machine.kind({"processor": processor, "instruction sets": sets})
    assert found.startswith(kind)
    assert "(R)" not in found
    assert machine.kind({"processor": processor}) == found.partition(",")[0]


def test_the_machine_is_described_without_its_name():
    words = machine.describe()
    assert {"cores", "versions", "system"} <= set(words)
    assert machine.platform.node() not in words.values()


def test_the_work_of_a_step_is_what_torch_counts():
    from torch.utils.flop_counter import FlopCounterMode

    size = Size(layers=2, width=32, heads=4, length=16, batch=3, vocab=11)
    model = peers.ours(size)
    tokens = torch.zeros(size.batch, size.length, dtype=torch.int64)
    with FlopCounterMode(display=False) as counter:
        model(tokens).sum().backward()
    attention = 2 * 3 * size.layers * size.width * size.length * size.batch * size.length
    counted = counter.get_flop_counts()["Global"]
    products = sum(n for name, n in counted.items() if "mm" in str(name))
    assert size.flops() == products + attention
    assert str(size) == "2 layers × 32, length 16, batch 3"


def test_the_work_of_attention():
    # 2 products forward and 4 back, each of 2 heads · 64 · (2 · 2 / 2 + 1) pairs, 2 FLOP
    assert _flops(2) == 2 * 6 * 2 * 64 * 3


@pytest.mark.parametrize(
    ("changes", "most"), [([8, 8, -8, 4], 16), ([8, -8, 8, -8], 8), ([-8, 4], 0), ([], 0)]
)
def test_the_most_that_is_held_at_one_time(changes, most):
    events = [
        {"name": "[memory]", "ts": ts, "args": {"Bytes": change}}
        for ts, change in enumerate(changes)
    ]
    assert memory.most_held([*reversed(events), {"name": "aten::mm", "ts": 0}]) == most


def test_peak_memory_of_an_action():
    assert memory.peak(lambda: torch.zeros(1000).sum()) in range(4000, 4300)


def test_the_line_through_the_medians():
    words = growth.fit((0, 1000, 2000), [0.010, 0.012, 0.014])
    assert words.startswith("10.0 ms and 2.0 µs for each token before it; the line explains 100%")


@pytest.mark.parametrize("weights", ["float32", "float16", "bfloat16", "int8", "int4"])
def test_a_token_takes_no_more_memory_however_many_are_before_it(weights):
    size = Size(layers=2, width=24, heads=4, length=1024, vocab=11)
    ready = tantra.prepare_for_decoding(peers.ours(size), weights)
    token, taken = torch.zeros(1, 1, dtype=torch.int64), []
    with torch.no_grad():
        for before in (16, 520, 960):
            caches = ready.new_caches(1024)
            ready(torch.zeros(1, before, dtype=torch.int64), caches)
            ready(token, caches)
            taken.append(memory.peak(lambda caches=caches: ready(token, caches)))
    assert taken[1] == taken[2]
    assert taken[1] <= taken[0] + 4096  # attention takes its keys 512 at a time


@pytest.mark.parametrize("build", [peers.ours, peers.hugging_face, peers.TorchGPT, peers.NanoGPT])
def test_peers_learn_the_same_task_with_about_as_many_weights(build):
    size = Size(layers=2, width=24, heads=4, length=8, batch=2, vocab=11)
    tokens = torch.arange(2 * 9).reshape(2, 9) % 11
    model = build(size)
    take = peers.step(model, tokens[:, :-1], tokens[:, 1:])
    before = [p.detach().clone() for p in model.parameters()]
    take()
    assert any(not torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True))
    ours = sum(p.numel() for p in peers.ours(size).parameters())
    theirs = sum(p.numel() for p in model.parameters())
    assert abs(theirs - ours) <= size.vocab * size.width  # torch.nn's head is not tied


def test_nanogpts_way_is_our_function_of_the_same_weights(generator):
    size = Size(layers=2, width=24, heads=4, length=8, vocab=11)
    theirs, ours = peers.NanoGPT(size), peers.ours(size, feed_forward="gelu_exact")
    with torch.no_grad():
        for weight in theirs.parameters():
            weight.normal_(std=0.2, generator=generator)
    ours.load_state_dict(_in_our_names(theirs.state_dict()))
    tokens = torch.randint(11, (3, 8), generator=generator)
    torch.testing.assert_close(theirs(tokens), ours(tokens), rtol=1e-5, atol=1e-5)


def _in_our_names(weights):
    """NanoGPT's weights as GPT calls them, with q, k and v apart."""
    names = {"tokens": "token_embedding", "head": "unembedding", "output": "attention.output",
             "up": "feed_forward.up", "down": "feed_forward.down"}  # fmt: skip
    ours = {}
    for name, x in weights.items():
        *path, part, kind = name.split(".")
        if part == "three":
            for each, rows in zip(("query", "key", "value"), x.chunk(3), strict=True):
                ours[".".join([*path, "attention", each, kind])] = rows
            continue
        kind = "gain" if "norm" in part and kind == "weight" else kind
        ours[".".join([*path, names.get(part, part), kind])] = x
    return ours


def test_an_unknown_part_is_named(capsys):
    with pytest.raises(SystemExit):
        command.main(["trainig"])
    assert "no part named 'trainig'; there are training, attention" in capsys.readouterr().err


ROW = Row("b", "small", "ours", "theirs", 1.0, 2.0, Ratio(2.0, 1.9, 2.25, 7))


def test_a_part_that_fails_leaves_the_others_and_what_was_kept(tmp_path, monkeypatch, capsys):
    path = tmp_path / "results.json"
    kept = functools.partial(report.keep, path=path)
    kept(machine.describe(), {}, [dataclasses.replace(ROW, part="a", case="from before")])
    monkeypatch.setattr(report, "keep", kept)
    monkeypatch.setattr(ceilings, "measure", lambda budget: {})
    monkeypatch.setattr(command, "PARTS", {"a": 10, "b": 20})

    def broken(bounds, budget):
        yield dataclasses.replace(ROW, part="a")
        raise OSError("the peer broke")

    parts = {"a": broken, "b": lambda bounds, budget: [dataclasses.replace(ROW, seconds=budget)]}

    def find(name):
        return types.SimpleNamespace(rows=parts[name.removeprefix("benchmarks.")])

    monkeypatch.setattr(command.importlib, "import_module", find)
    assert command.measure(["a", "b"], 0.5) == ["a"]
    assert "the peer broke" in capsys.readouterr().err
    (a,), (b,) = (rows for part in report.read("ab", path).values() for _, _, rows in part.values())
    assert a.case == "from before"
    assert b.seconds == 10


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_the_products_of_a_token_alone_are_all_that_it_makes(weights):
    size = Size(layers=2, width=24, heads=4, length=16, vocab=11)
    ready = tantra.prepare_for_decoding(peers.ours(size), weights)
    _, step = decoding._ours(ready, torch.zeros(1, 5, dtype=torch.int64))
    met = []
    multiply = decoding._products(ready, step)
    for name, part in ready.named_modules():
        part.register_forward_hook(lambda part, args, out, name=name: met.append(name))
    multiply()
    assert len(met) == 2 * 4 + 1  # q, k and v are one
    assert "unembedding" in met
    assert {name.rpartition(".")[2] for name in met} <= set(decoding.MULTIPLY)
