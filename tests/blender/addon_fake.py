"""Cores that are none: scripts that speak the core's lines, one for everything that can go wrong with the real one."""

import sys
import textwrap

HEAD = f"#!{sys.executable}\n" + textwrap.dedent(
    """
    import json, os, signal, subprocess, sys, threading, time

    def line(**data):
        print(json.dumps(data), flush=True)

    def hello(version="0.1.0", protocol=1):
        line(event="hello", hd_core=version, protocol=protocol)

    def step(stage, done, total, eta=None):
        line(event="progress", stage=stage, done=done, total=total, eta_seconds=eta)

    def fail(message, hint, code):
        line(event="error", message=message, hint=hint, exit_code=code)
        print("error:", message, hint, file=sys.stderr)
        sys.exit(code)

    def stop_with_stdin():
        def watch():
            sys.stdin.read()
            os._exit(130)
        threading.Thread(target=watch, daemon=True).start()

    job = json.load(open(sys.argv[sys.argv.index("--job") + 1])) if "--job" in sys.argv else {}
    """
)
OBEDIENT = "stop_with_stdin(); hello(); step('predict', 1, 48, 40.0)\nwhile True: time.sleep(0.05)"
STUBBORN = textwrap.dedent(
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    hello(); line(event="result", text="child", pid=child.pid)
    while True: time.sleep(0.05)
    """
)
MISTAKES = {
    "disk full": (
        "hello(); step('mesh', 3, 9)\n"
        "fail('No space left on device: run/person01/mesh/000003.safetensors.', 'Free some space and resume.', 3)"
    ),
    "old": "print('+-- Required --+\\n| The following arguments are |\\n+---+', file=sys.stderr); sys.exit(2)",
    "older protocol": "hello('0.0.9', 0); time.sleep(60)",
    "newer protocol": "hello('9.0.0', 2); time.sleep(60)",
    "wrong python": "print('/x/python: No module named hd_core', file=sys.stderr); sys.exit(1)",
    "broken": "print('| Segmentation in lib |\\n\\n+-----+', file=sys.stderr); sys.exit(7)",
    "shot": "hello(); step('predict', 3, 9); os.kill(os.getpid(), signal.SIGKILL)",
    "other options": (
        "hello()\nfail(job['output'] + ' was made with other options (person: size was 256, now 512).', "
        "'Use another -o, the old options, or --overwrite.', 2)"
    ),
    "silent end": "hello(); print('what it last said', file=sys.stderr); sys.exit(9)",
}


def write_core(folder, body, name="hd-core"):
    """A program that behaves like `body`."""
    path = folder / name
    path.write_text(HEAD + body + "\n")
    path.chmod(0o755)
    return path
