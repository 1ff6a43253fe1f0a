# SPDX-License-Identifier: Apache-2.0
"""dockerode, the JavaScript SDK, as npm has it (cached): ping, create, attach, start, wait, logs, events, remove."""

import json
import subprocess

import common_clients
import node
from common_clients import docker
from harness import contains, equal, test

SCRIPT = r"""
const Docker = require('dockerode'), { PassThrough } = require('stream');
const docker = new Docker({ socketPath: process.argv[2] });
const collect = s => { let d = ''; s.on('data', x => d += x); return () => d; };
(async () => {
    const result = {};
    result.ping = (await docker.ping()).toString();
    result.version = (await docker.version()).Os;
    result.images = (await docker.listImages()).some(i => (i.RepoTags || []).includes('busybox:latest'));
    const c = await docker.createContainer({ Image: 'busybox', Cmd: ['sh', '-c', 'cat; echo err >&2; exit 7'], OpenStdin: true, StdinOnce: true,
        AttachStdin: true, AttachStdout: true, AttachStderr: true, HostConfig: { NetworkMode: 'none' } });
    const stream = await c.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true });
    const out = new PassThrough(), err = new PassThrough(), o = collect(out), e = collect(err);
    c.modem.demuxStream(stream, out, err);
    const ended = new Promise(r => stream.on('end', r));
    await c.start();
    stream.write('from node\n');
    stream.end();
    result.code = (await c.wait()).StatusCode;
    await ended;
    await new Promise(r => setTimeout(r, 50));
    result.out = o(); result.err = e();
    result.logs = (await c.logs({ stdout: true, stderr: true })).toString().includes('from node');
    result.state = (await c.inspect()).State.Status;
    await c.remove();
    try { await c.inspect(); } catch (x) { result.gone = x.statusCode; }
    const so = new PassThrough(), text = collect(so);
    const [data] = await docker.run('busybox', ['sh', '-c', 'echo run; exit 3'], so, { HostConfig: { AutoRemove: true } });
    result.run = data.StatusCode;
    result.runOut = text();
    try { await docker.createContainer({ Image: 'nosuch:image' }); } catch (x) { result.error = x.statusCode + ' ' + x.json.message; }
    console.log(JSON.stringify(result));
})().catch(e => { console.error(e); process.exit(1); });
"""


@test(timeout=90)
def dockerode():
    docker()
    path = node.dockerode()
    script = path / "run.js"                    # beside node_modules, where node looks for them
    script.write_text(SCRIPT)
    r = subprocess.run(["node", str(script), common_clients.ENGINE.host.removeprefix("unix://")], capture_output=True, text=True, timeout=60)
    equal(r.returncode, 0, f"exit code of the script ({r.stderr.strip()[-400:]})")
    got = json.loads(r.stdout)
    message = got.pop("error")
    equal(got, {"ping": "OK", "version": "linux", "images": True, "code": 7, "out": "from node\n", "err": "err\n", "logs": True,
                "state": "exited", "gone": 404, "run": 3, "runOut": "run\r\n" if got["runOut"].endswith("\r\n") else "run\n"}, "what the SDK saw")
    contains(message, "404", "error of a missing image")
    contains(message, "No such image: nosuch:image", "error of a missing image")
