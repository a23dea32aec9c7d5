import copy
import dataclasses
import hashlib
import json
import os
import random
import re
import struct
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from torch import distributed, nn

from tantra import GPT, AdamW, GPTConfig, batches, checkpoints, prepare_for_decoding, train
from tantra.config import PARTS
from tantra.training.muon import Muon, Optimizers
from tantra.training.recipes import speedrun_recipe

SMALL = {"vocab_size": 7, "context_length": 8, "d_model": 8, "num_layers": 1, "num_heads": 2}
VARIANTS = {
    "learned, tied": {},
    "rotary, tied": {"positions": "rotary", "norm": "rms"},
    "rotary": {"positions": "rotary", "tied": False, "feed_forward": "swiglu", "bias": False},
    "sinusoidal, post-norm": {"positions": "sinusoidal", "norm_position": "post"},
    "alibi, grouped": {"positions": "alibi", "num_kv_heads": 1},
}
TOKENS = torch.randint(7, (200,), generator=torch.Generator().manual_seed(9))


class Training:
    """Everything that a training consists of."""

    def __init__(self, seed=0, kind=AdamW, dtype=torch.float32, **variant):
        self.generator = torch.Generator().manual_seed(seed)
        self.model = GPT(GPTConfig(**SMALL | variant), generator=self.generator).to(dtype)
        self.optimizer = kind(self.model.parameters(), lr=3e-3)
        self.step = 0

    def losses(self, steps):
        supply = batches(TOKENS, 3, 6, generator=self.generator)
        found = train(self.model, supply, self.optimizer, steps=steps, start=self.step)
        found = [loss for _, loss in found]
        self.step = steps
        return found

    def save(self, path, **numbers):
        generator = self.generator
        checkpoints.save(
            path, self.model, self.optimizer, step=self.step, draws=generator, **numbers
        )

    def load(self, path):
        numbers = checkpoints.load(path, self.model, self.optimizer, draws=self.generator)
        self.step = numbers["step"]
        return numbers

    def parts(self):
        return self.model.state_dict(), self.optimizer.state_dict(), self.generator.get_state()

    def state(self):
        """A copy of every bit of it."""
        return copy.deepcopy(self.parts())

    def is_as(self, state):
        return same(self.parts(), state)


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A file that was saved in the middle of a training, and its training."""
    training = Training(positions="rotary")
    training.losses(3)
    path = tmp_path_factory.mktemp("kept") / "training.safetensors"
    training.save(path, best=1.5, note="half way")
    return path, training


# kept and taken up again


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_resumed_training_has_the_same_losses_to_the_bit(variant, tmp_path):
    straight = Training(**VARIANTS[variant])
    expected = straight.losses(8)
    parted = Training(**VARIANTS[variant])
    first = parted.losses(5)
    parted.save(tmp_path / "x.safetensors")
    resumed = Training(seed=1, **VARIANTS[variant])
    resumed.optimizer.param_groups[0]["lr"] = 1.0
    resumed.load(tmp_path / "x.safetensors")
    assert first + resumed.losses(8) == expected
    assert resumed.is_as(straight.state())


@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adam, torch.optim.RMSprop])
def test_torchs_optimizers_are_kept_too(kind, tmp_path):
    straight = Training(kind=kind, dtype=torch.float64)
    expected = straight.losses(6)
    parted = Training(kind=kind, dtype=torch.float64)
    first = parted.losses(3)
    parted.save(tmp_path / "x.safetensors")
    resumed = Training(seed=1, kind=kind, dtype=torch.float64)
    resumed.load(tmp_path / "x.safetensors")
    assert first + resumed.losses(6) == expected


def muon_alone(parameters, lr):
    return Muon([p for p in parameters if p.ndim == 2], lr=lr)


def muon_and_adamw(parameters, lr):
    parameters = list(parameters)
    matrices = [p for p in parameters if p.ndim == 2]
    return Optimizers(Muon(matrices, lr=lr), AdamW([p for p in parameters if p.ndim < 2], lr=lr))


def test_two_optimizers_together_are_kept(tmp_path):
    whole = Training(kind=muon_and_adamw).losses(6)
    begun = Training(kind=muon_and_adamw)
    first = begun.losses(3)
    begun.save(tmp_path / "half")
    resumed = Training(seed=1, kind=muon_and_adamw)
    resumed.load(tmp_path / "half")
    assert resumed.is_as(begun.parts())
    assert first + resumed.losses(6) == whole
    state = resumed.state()
    alone = Training(kind=muon_alone)
    alone.save(tmp_path / "alone")
    with pytest.raises(ValueError, match="does not fit Muon and AdamW: its kind is Muon"):
        resumed.load(tmp_path / "alone")
    assert resumed.is_as(state)


def test_an_optimizer_that_does_not_tell_its_state(kept, tmp_path):
    class Bare:
        param_groups = ()

    with pytest.raises(TypeError, match="Bare has no state_dict"):
        checkpoints.save(tmp_path / "none", kept[1].model, Bare())
    assert not list(tmp_path.iterdir())


def test_resumed_in_another_process(tmp_path):
    straight = Training(positions="rotary")
    expected = straight.losses(8)[4:]
    parted = Training(positions="rotary")
    parted.losses(4)
    parted.save(tmp_path / "x.safetensors")
    code = (
        "import sys; from test_checkpoints import Training; import torch; "
        f"torch.set_num_threads({torch.get_num_threads()}); "
        "t = Training(seed=3, positions='rotary'); t.load(sys.argv[1]); print(*t.losses(8))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "x.safetensors"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(__file__)},
    )
    assert [float(loss) for loss in done.stdout.split()] == expected


def test_everything_comes_back(kept):
    path, training = kept
    other = Training(seed=1, positions="rotary")
    assert other.load(path) == {"step": 3, "best": 1.5, "note": "half way"}
    assert other.is_as(training.state())


def test_parts_may_be_left_out(kept, tmp_path):
    path, training = kept
    other = Training(seed=1, positions="rotary")
    before = other.state()
    checkpoints.load(path, other.model)
    assert same(other.model.state_dict(), training.model.state_dict())
    assert same(other.state()[1:], before[1:])
    checkpoints.save(tmp_path / "x.safetensors", training.model)
    other = Training(seed=1, positions="rotary")
    assert checkpoints.load(tmp_path / "x.safetensors", other.model) == {}
    assert same(other.model.state_dict(), training.model.state_dict())


def test_an_optimizer_before_its_first_step(tmp_path):
    training = Training()
    training.save(tmp_path / "x.safetensors")
    other = Training(seed=1)
    other.losses(2)
    other.load(tmp_path / "x.safetensors")
    assert other.is_as(training.state())


def test_any_model_of_torchs(tmp_path):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    checkpoints.save(tmp_path / "x.safetensors", model, note="plain")
    assert checkpoints.load(tmp_path / "x.safetensors", other) == {"note": "plain"}
    assert same(model.state_dict(), other.state_dict())


def test_tied_weights_are_kept_once_and_stay_tied(kept):
    path, _ = kept
    names = safetensors.torch.load_file(path)
    assert "model.token_embedding.weight" in names
    assert "model.unembedding.weight" not in names
    other = Training(seed=1, positions="rotary")
    places = [weights.data_ptr() for weights in other.model.parameters()]
    other.load(path)
    assert other.model.unembedding.weight is other.model.token_embedding.weight
    # the numbers move in, the memory stays: what else looks at it, on any device, sees them
    assert [weights.data_ptr() for weights in other.model.parameters()] == places


def test_the_file_is_safetensors_with_json(kept):
    path, training = kept
    with safetensors.safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["about"])
    assert about["config"] == dataclasses.asdict(training.model.config)
    assert about["numbers"] == {"step": 3, "best": 1.5, "note": "half way"}
    assert about["optimizer"]["kind"] == "AdamW"


# a model from its file alone


@pytest.mark.parametrize("kind", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_model_is_made_from_its_file_alone(variant, kind, tmp_path):
    training = Training(dtype=kind, **VARIANTS[variant])
    training.losses(2)
    training.save(tmp_path / "x")
    before = torch.get_rng_state()
    made = checkpoints.model(tmp_path / "x")
    assert torch.equal(torch.get_rng_state(), before)
    assert made.config == training.model.config
    assert same(made.state_dict(), training.model.state_dict())
    assert torch.equal(made(TOKENS[:8]), training.model(TOKENS[:8]))
    tied = made.unembedding.weight is made.token_embedding.weight
    assert tied is made.config.tied
    assert all(weights.requires_grad for weights in made.parameters())
    checkpoints.load(tmp_path / "x", made, kept := AdamW(made.parameters()))
    assert same(kept.state_dict(), training.optimizer.state_dict())


@pytest.mark.parametrize(
    "part", [{kind: name} for kind, names in PARTS.items() for name in names], ids=str
)
def test_a_model_of_any_named_part_is_made(part, tmp_path):
    model = trained(**part)
    checkpoints.save(tmp_path / "x", model)
    made = checkpoints.model(tmp_path / "x")
    assert torch.equal(made(TOKENS[:8]), model(TOKENS[:8]))


def test_a_model_of_a_recipe_is_made(tmp_path):
    model = speedrun_recipe(GPTConfig(**SMALL), steps=5).model
    checkpoints.save(tmp_path / "x", model, step=5)
    made = checkpoints.model(tmp_path / "x")
    assert (made.config.attention, made.config.feed_forward) == ("qk_norm", "squared_relu")
    assert torch.equal(made(TOKENS[:8]), model(TOKENS[:8]))


def test_a_file_that_is_older_than_a_field_of_the_config(kept, tmp_path):
    path, training = kept
    older = rewritten(path.read_bytes(), lambda about, _: about["config"].pop("attention") and None)
    (tmp_path / "older").write_bytes(older)
    made = checkpoints.model(tmp_path / "older")
    assert made.config == training.model.config
    assert same(made.state_dict(), training.model.state_dict())


FILL = r"fill it: checkpoints.load\(path, model\)"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("config", {}), f"its config is no GPT's: it is empty; make the model.*{FILL}"),
        (("config", {"width": 3}), f"GPTConfig has no field 'width'; it has vocab_size.*{FILL}"),
        (("config", "norm", "mine"), f"norm is 'mine', which nobody knows; choose .*{FILL}"),
        (("config", "norm", []), f"its config is no GPT's: .*{FILL}"),
        (("config", "expansion", 1e308), f"its config is no GPT's: .*{FILL}"),
        (("config", "num_layers", 300), f"it has 300 layers, for .. arrays; .*{FILL}"),
        (("config", "d_model", 10**12), "its config is no GPT's|of its weights, "),
        (("config", "context_length", 10**9), r"'positions.*' is \(\(8, 8\)"),
        (("config", "d_model", 16), r"of its weights, '\S+' is \(.* and should be \("),
    ],
)
def test_a_config_that_is_none_of_the_kept_model(change, says, tmp_path):
    *way, to = change
    checkpoints.save(tmp_path / "x", trained())
    (tmp_path / "x").write_bytes(rewritten((tmp_path / "x").read_bytes(), setting(*way, to=to)))
    with pytest.raises(ValueError, match=says) as caught:
        checkpoints.model(tmp_path / "x")
    assert str(caught.value).startswith(f"{tmp_path / 'x'}: ")


@pytest.mark.parametrize(
    "attack",
    ["other type", "whole numbers", "nan", "weights lacking", "weights too many", "wrong shape"],
)
def test_weights_that_are_none_of_the_config(attack, kept, tmp_path):
    change, says = HOSTILE[attack]
    (tmp_path / "x").write_bytes(rewritten(kept[0].read_bytes(), change))
    with pytest.raises(ValueError, match=says):
        checkpoints.model(tmp_path / "x")


def test_no_model_is_made_from_a_damaged_file_or_from_none(kept, tmp_path):
    content = bytearray(kept[0].read_bytes())
    content[-1] ^= 1
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match="its digest does not fit its content"):
        checkpoints.model(tmp_path / "x")
    (tmp_path / "x").write_bytes(content[:99])
    with pytest.raises(ValueError, match="it is cut off, damaged, or was never a checkpoint"):
        checkpoints.model(tmp_path / "x")
    with pytest.raises(ValueError, match="it is a folder"):
        checkpoints.model(tmp_path)
    checkpoints.save(tmp_path / "x", nn.Linear(3, 2))
    with pytest.raises(ValueError, match=FILL):
        checkpoints.model(tmp_path / "x")


# written whole or not at all


def test_a_save_replaces_the_file_and_leaves_nothing_beside_it(tmp_path):
    training, path = Training(), tmp_path / "x.safetensors"
    for step in (1, 2):
        training.losses(step)
        training.save(path)
        assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]
    other = Training(seed=1)
    assert other.load(path) == {"step": 2}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_save_that_fails_leaves_the_old_file(call, tmp_path, monkeypatch):
    training, path = Training(), tmp_path / "x.safetensors"
    training.save(path)
    before = path.read_bytes()
    training.losses(1)

    def fail(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="no space left"):
        training.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_save_that_is_killed_leaves_the_old_file(call, tmp_path):
    training, path = Training(), tmp_path / "x.safetensors"
    training.save(path)
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        torch.set_num_threads(1)  # a forked process has none of the threads that torch started
        setattr(os, call, lambda *_: os._exit(9))  # the process ends here, cleaning up nothing
        training.losses(1)
        training.save(path)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_bytes() == before
    training.save(path)  # a part left behind is in nobody's way
    assert Training(seed=1).load(path) == {"step": 0}


def test_the_content_is_on_the_disk_before_it_gets_the_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, n=name, f=original: calls.append(n) or f(*a))
    Training().save(tmp_path / "x.safetensors")
    assert calls[:2] == ["fsync", "replace"]


@pytest.mark.parametrize(
    ("number", "error"),
    [(object(), TypeError), (float("nan"), TypeError), (torch.zeros(2), TypeError)],
)
def test_numbers_that_json_cannot_hold(number, error, kept):
    path, training = kept
    before = path.read_bytes()
    with pytest.raises(error, match=r"JSON cannot hold these numbers: .*nothing was written"):
        training.save(path, number=number)
    assert path.read_bytes() == before


def test_an_optimizer_with_other_things_than_tensors(kept):
    path, training = kept
    before, weights = path.read_bytes(), list(nn.Linear(3, 2).parameters())
    optimizer = torch.optim.LBFGS(weights)
    optimizer.step(lambda: sum((w**2).sum() for w in weights).detach().requires_grad_())
    with pytest.raises(TypeError, match=r"optimizer.0.\w+ is no tensor, .*nothing was written"):
        checkpoints.save(path, training.model, optimizer)
    assert path.read_bytes() == before


def test_a_broken_model_does_not_replace_a_good_one(kept):
    path, training = kept
    before, broken = path.read_bytes(), copy.deepcopy(training.model)
    broken.blocks[0].feed_forward.up.weight.data[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"model.blocks.0.feed_forward.up.weight holds nan or inf"):
        checkpoints.save(path, broken)
    assert path.read_bytes() == before


# refused


def refused(training, path, content, before):
    """The reason why content is not loaded; every bit must be as before."""
    path.write_bytes(content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        training.load(path)
    assert path.read_bytes() == content
    assert training.is_as(before), str(caught.value)
    reason = str(caught.value).removeprefix(f"{path}: ")
    assert reason.endswith("; nothing was changed")
    assert "\n" not in reason
    assert 20 < len(reason) < 300
    return reason


def cut_off(content, rng):
    return content[: rng.randrange(len(content))]


def one_bit(content, rng):
    place = rng.randrange(len(content))
    return (
        content[:place] + bytes([content[place] ^ (1 << rng.randrange(8))]) + content[place + 1 :]
    )


def some_bytes(content, rng):
    place, length = rng.randrange(len(content)), rng.randrange(1, 40)
    return content[:place] + rng.randbytes(length) + content[place + length :]


def header_bytes(content, rng):
    place = rng.randrange(8, 8 + struct.unpack("<Q", content[:8])[0])
    return content[:place] + rng.randbytes(1) + content[place + 1 :]


def left_out(content, rng):
    place = rng.randrange(len(content) - 9)
    return content[:place] + content[place + rng.randrange(1, 9) :]


def put_in(content, rng):
    place = rng.randrange(len(content))
    return content[:place] + rng.randbytes(rng.randrange(1, 9)) + content[place:]


def other_length(content, rng):
    return struct.pack("<Q", rng.choice([0, 1, 2**20, 2**63, 2**64 - 1])) + content[8:]


def zeros(content, rng):
    place = rng.randrange(len(content) - 600)
    return content[:place] + bytes(600) + content[place + 600 :]


def grown(content, rng):
    return content + rng.randbytes(rng.randrange(1, 100))


def noise(content, rng):
    return rng.randbytes(rng.randrange(2000))


DAMAGE = [
    *(cut_off, one_bit, some_bytes, header_bytes, left_out),
    *(put_in, other_length, zeros, grown, noise),
]


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda f: f.__name__)
def test_damaged_files_are_refused_and_change_nothing(damage, kept, tmp_path):
    path, _ = kept
    content, rng = path.read_bytes(), random.Random(damage.__name__)
    target = Training(seed=1, positions="rotary")
    target.losses(1)
    before, tried = target.state(), 0
    while tried < 60:
        damaged = damage(content, rng)
        if damaged != content and not same_meaning(damaged, content):
            refused(target, tmp_path / "x.safetensors", damaged, before)
            tried += 1


def test_that_makes_at_least_500():
    assert 60 * len(DAMAGE) >= 500


def same_meaning(damaged, content):
    """Whether only blanks around the JSON header differ, which say nothing."""
    return [re.sub(rb"\s+\Z|\A\s+", b"", part) for part in parts(damaged)] == [*parts(content)]


def parts(content):
    """The header and the arrays of a file."""
    length = int.from_bytes(content[:8], "little")
    return content[8 : 8 + length].rstrip(b" "), content[8 + length :]


def rewritten(content, change):
    """The file with another JSON part or other arrays, and a digest that fits them."""
    arrays = safetensors.torch.load(content)
    header = json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])
    about = json.loads(header["__metadata__"]["about"])
    about = change(about, arrays) or about
    text = about if isinstance(about, str) else json.dumps(about)
    digest = hashlib.sha256(text.encode())
    for name, x in sorted(arrays.items()):
        digest.update(f"\n{name} {x.dtype} {tuple(x.shape)}\n".encode())
        digest.update(x.reshape(-1).view(torch.uint8).numpy())
    return safetensors.torch.save(arrays, {"about": text, "digest": digest.hexdigest()})


def setting(*path, to):
    def change(about, arrays):
        *way, last = path
        for name in way:
            about = about[name]
        about[last] = to

    return change


def array(name, to):
    def change(about, arrays):
        arrays[name] = to(arrays[name]) if callable(to) else to

    return change


def lacking(name):
    def change(about, arrays):
        del about["optimizer"]["groups"][0][name]

    return change


def without(name):
    def change(about, arrays):
        del arrays[name]

    return change


GAIN = "model.norm.gain"
HOSTILE = {  # what it does, and the word of the refusal that tells it apart
    "nothing": (lambda about, arrays: None, None),
    "wrong shape": (array(GAIN, torch.ones(9)), r"'norm.gain' is \(\(9,\), torch.float32\)"),
    "one number for all": (array(GAIN, torch.ones(1)), r"\(\(1,\), torch.float32\)"),
    "turned": (array(GAIN, torch.ones(8, 1)), r"\(\(8, 1\), "),
    "no numbers": (array(GAIN, torch.ones(0)), r"\(\(0,\), "),
    "other type": (array(GAIN, lambda x: x.double()), "torch.float64"),
    "whole numbers": (array(GAIN, lambda x: x.long()), "torch.int64"),
    "nan": (array(GAIN, lambda x: x * torch.nan), "'model.norm.gain' holds nan or inf"),
    "inf": (array(GAIN, lambda x: x * torch.inf), "holds nan or inf"),
    "eight bits": (array(GAIN, lambda x: x.to(torch.float8_e4m3fn)), "damaged|float8"),
    "weights lacking": (without(GAIN), "'norm.gain' is missing and should be"),
    "weights too many": (array("model.extra", torch.ones(2)), "'extra' is .* should be missing"),
    "a name of many lines": (array("model.a\nb" * 999, torch.ones(2)), r"a\\nbmodel"),
    "other config": (setting("config", "positions", to="alibi"), "'positions' is 'alibi' and sho"),
    "larger config": (setting("config", "d_model", to=10**12), "'d_model' is 1000000000000"),
    "strange config": (setting("config", "d_model", to=[1]), r"'d_model' is \[1\]"),
    "a long config": (setting("config", "positions", to="rotary" + " " * 99), "'rotary   "),
    "more config": (setting("config", "evil", to="x" * 9999), "'evil' is 'xxx"),
    "no config": (setting("config", to={}), "'vocab_size' is missing"),
    "config is a list": (setting("config", to=[]), "damaged or changed"),
    "numbers are a list": (setting("numbers", to=[]), "damaged or changed"),
    "more parts": (setting("more", to={}), "damaged or changed"),
    "not JSON": (lambda about, arrays: "{", "damaged"),
    "a list": (lambda about, arrays: "[]", "damaged"),
    "deep JSON": (lambda about, arrays: "[" * 100_000, "damaged"),
    "a number of many digits": (lambda about, arrays: "9" * 9999, "damaged"),
    "no word of an optimizer": (lambda about, arrays: about.pop("optimizer") and about, "damaged"),
    "no optimizer": (setting("optimizer", to=None), "its optimizer does not fit AdamW"),
    "optimizer is a word": (setting("optimizer", to="AdamW"), "does not fit AdamW"),
    "other optimizer": (setting("optimizer", "kind", to="SGD"), "its kind is SGD"),
    "optimizer's kind is code": (setting("optimizer", "kind", to="os.system"), "is os.system"),
    "no groups": (setting("optimizer", "groups", to=[]), "does not fit AdamW"),
    "groups are a number": (setting("optimizer", "groups", to=3), "does not fit AdamW"),
    "groups are words": (setting("optimizer", "groups", to=["x"]), "does not fit AdamW"),
    "other weights": (setting("optimizer", "groups", 0, "params", to=[0]), "hold other weights"),
    "a word as lr": (setting("optimizer", "groups", 0, "lr", to="fast"), "does not fit AdamW"),
    "negative lr": (setting("optimizer", "groups", 0, "lr", to=-1.0), "lr is -1.0; it must be"),
    "large betas": (setting("optimizer", "groups", 0, "betas", to=[2, 3]), r"betas are \(2, 3\)"),
    "lr is lacking": (lacking("lr"), "'lr'"),
    "state lacking": (without("optimizer.0.exp_avg"), "'0.exp_avg' is missing and should be"),
    "step of other shape": (array("optimizer.0.step", torch.ones(2)), r"'0.step' is \(\(2,\)"),
    "state of other shape": (array("optimizer.0.exp_avg", torch.ones(3)), "'0.exp_avg' is"),
    "state turned": (array("optimizer.1.exp_avg", lambda x: x[None]), "'1.exp_avg' is"),
    "state of no weight": (array("optimizer.99.exp_avg", torch.ones(3)), "'99.exp_avg' is"),
    "state of a word": (array("optimizer.x.exp_avg", torch.ones(3)), "'x.exp_avg' is"),
    "state by another name": (array("optimizer.0.lr", torch.ones(3)), "'0.lr' is"),
    "no generator": (without("generator.draws"), "keeps no state of a generator 'draws'"),
    "short generator": (array("generator.draws", lambda x: x[:9]), "keeps no state of a gene"),
    "generator of ones": (
        array("generator.draws", lambda x: torch.full_like(x, 255)),
        "keeps no state of a generator",
    ),
    "generator of numbers": (array("generator.draws", torch.ones(5056)), "keeps no state of a g"),
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_hostile_files_are_refused_and_change_nothing(attack, kept, tmp_path):
    path, training = kept
    change, says = HOSTILE[attack]
    content = rewritten(path.read_bytes(), change)
    target = Training(seed=1, positions="rotary")
    target.losses(1)
    if says is None:  # the way to make hostile files makes good ones, too
        (tmp_path / "x.safetensors").write_bytes(content)
        target.load(tmp_path / "x.safetensors")
        assert target.is_as(training.state())
    else:
        assert re.search(says, refused(target, tmp_path / "x.safetensors", content, target.state()))


def test_a_pickle_is_not_opened(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "opened"),))

    torch.save(Evil(), tmp_path / "x.pt")
    target = Training()
    refused(target, tmp_path / "x.pt", (tmp_path / "x.pt").read_bytes(), target.state())
    assert not (tmp_path / "opened").exists()


def test_one_generator_lacking_leaves_the_other_alone(kept):
    path, _ = kept
    target, first = Training(seed=1, positions="rotary"), torch.Generator().manual_seed(5)
    before, drawn = target.state(), first.get_state()
    with pytest.raises(ValueError, match="it keeps no state of a generator 'other'; nothing"):
        checkpoints.load(path, target.model, draws=first, other=torch.Generator())
    assert torch.equal(first.get_state(), drawn)
    assert target.is_as(before)


def test_a_model_of_another_kind(kept, tmp_path):
    path, _ = kept
    for variant, says in {
        "rotary": "'tied' is True and should be False",
        "learned, tied": "of its config, 'positions' is 'rotary' and should be 'learned'",
    }.items():
        target = Training(seed=1, **VARIANTS[variant] | {"feed_forward": "gelu", "bias": True})
        content = path.read_bytes()
        assert says in refused(target, tmp_path / "x", content, target.state())
    target = Training(seed=1, kind=torch.optim.SGD, positions="rotary")
    assert "does not fit SGD" in refused(target, tmp_path / "x", content, target.state())
    target = Training(seed=1, dtype=torch.float64, positions="rotary")
    assert "torch.float64" in refused(target, tmp_path / "x", content, target.state())


def test_what_is_no_file(tmp_path):
    with pytest.raises(ValueError, match=r"it is a folder, .*name a file; nothing was changed"):
        Training().load(tmp_path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Training().load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        Training().save(tmp_path / "nowhere" / "x.safetensors")


def test_a_giant_is_not_read(tmp_path):
    path, training = tmp_path / "giant", Training()
    with path.open("wb") as file:
        file.truncate(2**32)
    before = training.state()
    with pytest.raises(ValueError, match=f"it has {2**32} bytes, and at most .*nothing was ch"):
        training.load(path)
    assert training.is_as(before)


# what is around a model, and what is not the model itself


def trained(seed=0, **variant):
    training = Training(seed=seed, **variant)
    training.losses(1)
    return training.model


def compiled(model):
    return torch.compile(model, backend="eager")


def partly_compiled(model):
    model = copy.deepcopy(model)
    model.blocks[0] = compiled(model.blocks[0])
    return model


def alone(model):
    return model


AROUND = (alone, compiled, partly_compiled, nn.DataParallel)


@pytest.mark.parametrize("saved", AROUND, ids=lambda f: f.__name__)
@pytest.mark.parametrize("loaded", AROUND, ids=lambda f: f.__name__)
def test_what_is_around_a_model_is_not_kept(saved, loaded, tmp_path):
    model, other = trained(), loaded(trained(seed=1))
    checkpoints.save(tmp_path / "x", saved(model), step=1)
    assert checkpoints.load(tmp_path / "x", other) == {"step": 1}
    assert all(map(torch.equal, other.parameters(), model.parameters()))
    assert told(tmp_path / "x") == written(tmp_path / "plain", model, step=1)


def test_a_model_of_several_processes_is_kept_as_one(tmp_path):
    model = trained()
    distributed.init_process_group("gloo", rank=0, world_size=1, store=distributed.HashStore())
    try:
        spread = nn.parallel.DistributedDataParallel(model)
        assert written(tmp_path / "x", compiled(spread)) == written(tmp_path / "y", model)
    finally:
        distributed.destroy_process_group()


def told(path):
    """What a file tells of itself: its JSON part, and the digest of all that it holds."""
    with safetensors.safe_open(path, framework="pt") as file:
        return file.metadata()


def written(path, model, **numbers):
    checkpoints.save(path, model, **numbers)
    return told(path)


@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16", "int8", "int4"])
def test_a_prepared_decoder_is_not_kept(kind, tmp_path):
    """The matrices of a decoder are packed or put together, so that no model could read them."""
    for tied in (True, False):
        model, other = trained(tied=tied), trained(seed=1, tied=tied)
        decoder, path = prepare_for_decoding(model, kind), tmp_path / f"{tied}"
        with pytest.raises(ValueError, match=r"take the model that prepare_for.*nothing was wr"):
            checkpoints.save(path, decoder)
        assert not path.exists()
        checkpoints.save(path, model)
        before = copy.deepcopy(other.state_dict())
        with pytest.raises(ValueError, match=r"the model that prepare_for.*nothing was changed"):
            checkpoints.load(path, prepare_for_decoding(other, kind))
        assert same(other.state_dict(), before)


def test_a_decoder_with_the_parts_of_its_model_is_kept(tmp_path):
    """Normed queries and keys stay apart, and nothing is packed in float32."""
    model = trained(tied=False, attention="qk_norm")
    decoder = prepare_for_decoding(model)
    assert written(tmp_path / "x", decoder) == written(tmp_path / "plain", model)
    with pytest.raises(ValueError, match=r"take the model that prepare_for.*nothing was wr"):
        checkpoints.save(tmp_path / "x", prepare_for_decoding(model, "int4"))


class Hiding(nn.Module):
    """Holds weights where state_dict does not look, and a mask, which nobody learns."""

    def __init__(self, *hidden, **named):
        super().__init__()
        self.seen = nn.Linear(2, 2)
        self.mask = torch.ones(2, 2).tril()
        self.again, self.extra, self.named = [self.seen], list(hidden), named


@pytest.mark.parametrize(
    "model",
    [Hiding(nn.Linear(2, 2)), Hiding(torch.ones(1, requires_grad=True)), Hiding(a=nn.Linear(1, 1))],
)
def test_weights_that_no_state_dict_names_are_not_forgotten(model, tmp_path):
    with pytest.raises(ValueError, match=r"the model has weights in (extra|named), which its stat"):
        checkpoints.save(tmp_path / "x", model)
    assert not list(tmp_path.iterdir())
    checkpoints.save(tmp_path / "x", Hiding())
    inside = nn.Sequential(nn.Tanh(), model)
    with pytest.raises(ValueError, match="1 has weights in"):
        checkpoints.load(tmp_path / "x", inside)


def test_a_model_that_is_tied_by_its_config_alone(tmp_path):
    model = trained()
    checkpoints.save(tmp_path / "x", model)
    with torch.device("meta"):
        torn = GPT(model.config)
    torn.to_empty(device="cpu")
    torn.unembedding.weight = nn.Parameter(torn.unembedding.weight.detach().clone())
    torn.load_state_dict(model.state_dict())
    with pytest.raises(ValueError, match=r"the model has two; .*tie them again: .*nothing was wri"):
        checkpoints.save(tmp_path / "y", torn)
    with pytest.raises(ValueError, match=r"tie them again: .*nothing was changed"):
        checkpoints.load(tmp_path / "x", torn)
    torn.unembedding.weight = torn.token_embedding.weight
    assert written(tmp_path / "y", torn) == written(tmp_path / "x", model)


def test_weights_in_another_order_of_memory_and_two_that_share_it(tmp_path):
    model = trained()
    turned = copy.deepcopy(model)
    down = turned.blocks[0].feed_forward.down
    down.weight = nn.Parameter(down.weight.detach().T.contiguous().T)
    assert not down.weight.is_contiguous()
    assert written(tmp_path / "x", turned) == written(tmp_path / "y", model)
    two = nn.ParameterList([torch.arange(3.0)])
    two.append(nn.Parameter(two[0].detach()))  # not the same parameter, the same memory
    checkpoints.save(tmp_path / "x", two)
    other = nn.ParameterList([torch.zeros(3), torch.zeros(3)])
    checkpoints.load(tmp_path / "x", other)
    assert other[0].tolist() == other[1].tolist() == [0, 1, 2]
