# SPDX-License-Identifier: Apache-2.0
"""A TLS listener beside the activated socket, used by the stock CLI."""

import common_host
from common_host import host
from harness import check, cleanup, contains, equal, eventually, test

OPENSSL = """
set -e
rm -rf /etc/docker/tls; mkdir -p /etc/docker/tls; cd /etc/docker/tls
k="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $k -days 2 -subj /CN=ca -keyout ca-key.pem -out ca.pem
printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext
printf 'extendedKeyUsage=clientAuth\\n' >cert.ext
for n in server cert; do
    openssl req $k -subj /CN=$n -keyout $n-key.pem -out $n.csr
    openssl x509 -req -days 2 -in $n.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -extfile $n.ext -out $n.pem
done
mv cert-key.pem key.pem
"""


@test(timeout=90)
def cli_over_tls():
    h = host()
    if h.try_("which", "openssl").returncode != 0:
        from harness import Skip
        raise Skip("the root file system has no openssl")
    h(OPENSSL)
    h("""mkdir -p /run/systemd/system/dockerd.service.d; cat >/run/systemd/system/dockerd.service.d/tls.conf <<E
[Service]
ExecStart=
ExecStart=/usr/bin/dockerd -H fd:// -H tcp://127.0.0.1:2376 --tlsverify --tlscacert /etc/docker/tls/ca.pem --tlscert /etc/docker/tls/server.pem --tlskey /etc/docker/tls/server-key.pem
E
systemctl daemon-reload; systemctl restart dockerd.service""")
    cleanup(h, "rm -r /run/systemd/system/dockerd.service.d; systemctl daemon-reload; systemctl restart dockerd.service")
    env = {"DOCKER_HOST": "tcp://127.0.0.1:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/etc/docker/tls"}
    equal(h("docker", "run", "--rm", "busybox", "echo", "over TLS", env=env), "over TLS", "docker run over TLS")
    equal(h("docker", "run", "-i", "--rm", "busybox", "cat", env=env, input="half close\n"), "half close", "docker run -i over TLS")
    r = h.try_("docker", "ps", env={"DOCKER_HOST": "tcp://127.0.0.1:2376"})
    check(r.returncode != 0, "a client without TLS was served")
    r = h.try_("docker", "--tls", "ps", env={"DOCKER_HOST": "tcp://127.0.0.1:2376"})
    check(r.returncode != 0, "a client without a certificate was served")
    equal(h("docker", "ps", "-q"), "", "docker ps on the activated socket")
