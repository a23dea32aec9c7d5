"""Several processes that train one model: each learns from its rows of a batch, all move alike.

    torchrun --standalone --nproc-per-node 2 examples/train.py

Every process draws the whole batch from the same generator and takes its own rows, so the number of
processes changes neither the losses nor a checkpoint.
"""

import contextlib
import os
import socket

import torch
import torch.distributed as dist

from tantra.checks import check_divides


@contextlib.contextmanager
def together():
    """The device of this process, once it has met the others that torchrun started.

    Without torchrun it is alone: the same code then runs as one process.  Talk goes through nccl
    where there are GPUs, one for each process of a machine, else through gloo.
    """
    gpu, number = torch.cuda.is_available(), int(os.environ.get("LOCAL_RANK", 0))
    device = torch.device("cuda", number) if gpu else torch.device("cpu")
    if "WORLD_SIZE" not in os.environ:
        yield device
        return
    if os.environ.get("MASTER_ADDR") in ("127.0.0.1", "localhost"):
        names = [name for _, name in socket.if_nameindex() if name.startswith("lo")]
        os.environ.setdefault("GLOO_SOCKET_IFNAME", names[0])  # the only one without a network
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield device
    finally:
        dist.destroy_process_group()


def count():
    """How many processes there are: 1, unless together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def first():
    """Whether this is the process that prints and saves, for all."""
    return not dist.is_initialized() or dist.get_rank() == 0


def share(batches):
    """This process's rows of each batch; all of them where it is alone.

    Raises ValueError where the rows cannot be shared out evenly: the mean of the processes' losses
    would then not be the mean of the rows'.
    """
    for batch in batches:
        check_divides(rows=len(batch[0]), processes=count())
        rows = slice(dist.get_rank(), None, count()) if count() > 1 else slice(None)
        yield tuple(part[rows] for part in batch)


def same_weights(model):
    """Give every process the first one's weights."""
    if count() > 1:
        for weights in model.state_dict().values():
            dist.broadcast(weights, 0)


def mean(number):
    """The mean of a number over all processes."""
    if count() == 1:
        return number
    total = number.detach().clone()
    dist.all_reduce(total)
    return total / count()


def weights(numbers, device):
    """What this process's means, each of so many numbers, are to be multiplied by.

    The mean over all processes of their sum is then the mean of all numbers.  Where there are none
    anywhere, each is 1.
    """
    whole = mean(torch.tensor(float(sum(numbers)), device=device)).item()
    return [number / whole if whole else 1 for number in numbers]


def average_gradients(parameters):
    """Let every process go on with the mean of all processes' gradients."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    if count() == 1 or not gradients:
        return
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])  # one message, not many
    dist.all_reduce(flat)
    flat /= count()
    for gradient, new in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(new.view_as(gradient))
