"""Times PyTorch's training step of one model in this process, and prints it as one line of JSON.

Arguments: one JSON object with model, shape (an encoder's settings), lengths (of the batches, taken in turn), batch,
threads, seconds, max_memory (bytes), mode (one of MODES).
Exit code 3: the step does not fit into max_memory.
"""
import json
import resource
import statistics
import sys
import time

VOCABULARY, CLASSES, LEAST_STEPS = 257, 2, 3
MODES = ("eager", "compile", "bf16", "bf16+compile")  # float32 unless it says bf16, which is torch.autocast


def resident_bytes(field):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))


def make_step(request):
    """The recipe of `lra bench`: AdamW, dropout as the shape says, random bytes; a step's argument is their number."""
    import torch
    import models

    torch.set_num_threads(request["threads"])
    torch.manual_seed(0)
    name, longest, batch = request["model"], max(request["lengths"]), request["batch"]
    model = models.Classifier(name, request["shape"], models.SETTINGS[name], VOCABULARY, longest, CLASSES).train()
    release = tuple(map(int, torch.__version__.split("+")[0].split("a")[0].split(".")[:2]))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-9, weight_decay=0.0,
                                  **({"fused": True} if release >= (2, 4) else {}))  # fmt: skip
    forward = torch.compile(model) if "compile" in request["mode"] else model
    tokens = torch.randint(1, VOCABULARY, (batch, longest))
    labels = torch.arange(batch) % CLASSES

    def step(length):
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in request["mode"]):
            logits = forward(tokens[:, :length])
        torch.nn.functional.cross_entropy(logits.float(), labels).backward()
        optimiser.step()

    return step


def measure(request):
    import torch  # before memory is looked at: what the library itself takes is no cost of the model

    torch.ones(8, 8) @ torch.ones(8, 8)
    before = resident_bytes("VmRSS")
    step, lengths = make_step(request), request["lengths"]
    step(max(lengths))
    times = []  # of passes over the lengths
    while len(lengths) * len(times) < LEAST_STEPS or sum(times) < request["seconds"]:
        start = time.perf_counter()
        for length in lengths:
            step(length)
        times.append(time.perf_counter() - start)
    return {
        "median_ms": 1e3 * statistics.median(times) / len(lengths),
        "batch": request["batch"],
        "torch": torch.__version__,
        "rss_bytes": resident_bytes("VmHWM") - before,
    }


def main():
    request = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_DATA, (request["max_memory"], request["max_memory"]))
    try:
        print(json.dumps(measure(request)))
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "memory" not in str(error):
            raise
        sys.exit(3)


if __name__ == "__main__":
    main()
