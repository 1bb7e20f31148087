# SPDX-License-Identifier: Apache-2.0
"""A Kafka that speaks TLS, without a user and with one."""
import shutil

import confluent_kafka

import test_check_connect
from certificates import certificate, secret_file
from kafka import Topics
from test_kafka import COUNT, await_value, order


def test_the_certificate_of_a_broker_is_checked_and_it_is_tried_again(deploy, broker, folder):
    """The CA, and with TLS a user's password: each is wrong at first, and mended while the ingestor tries again."""
    topics = Topics(broker)
    topics.create()
    port, sasl_port, _ = broker.tls
    ca = certificate(folder)[1]  # another's
    topics.uri = f"kafka://localhost:{port}/{topics.names[0]}"
    topics.source = {"kafka": {"security.protocol": "SSL", "ssl.ca.location": str(ca)}}
    d = deploy(topics, tiles=COUNT, gateways=1)
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", "no broker of", "verify that ssl.ca.location is correctly configured")
    d["ingestor"].start()
    d["ingestor"].await_log("certificate verify failed")
    shutil.copy(broker.path / "cert.pem", ca)
    d["ingestor"].await_log("ready component")
    d.start("cache", "gateway0")
    topics.send(order())
    await_value(d, 1)
    d.verify()
    assert test_check_connect.connect(d)[0] == 0

    d["ingestor"].kill()
    secret = secret_file(folder, "secret", "wrong")
    d.config["source"].update(uri=f"kafka://localhost:{sasl_port}/{topics.names[0]}", password_file=str(secret))
    del d.config["source"]["kafka"]["ssl.ca.location"]
    # As an option whose text has lines, and comes from a file.
    ca.chmod(0o600)
    d.config["source"]["kafka"].update({"ssl.ca.pem": {"file": str(ca)}, "security.protocol": "SASL_SSL", "sasl.mechanisms": "PLAIN",
                                        "sasl.username": "tilewire"})
    d.write()
    before = len(d["ingestor"].log_text())
    d["ingestor"].start()
    d["ingestor"].await_log("uthentication", after=before)
    secret_file(folder, "secret", "secret")
    d["ingestor"].await_log("ready component", after=before)
    topics.send(order())
    await_value(d, 2)
    d.verify()


def test_a_broker_that_wants_a_certificate_of_its_clients(deploy, broker, folder):
    """There is none at first, then one that it does not know; at last the right one, in files and as text."""
    topics = Topics(broker)
    topics.create()
    port, known = broker.mtls
    key = known.parent / "key.pem"
    topics.uri = f"kafka://localhost:{port}/{topics.names[0]}"
    options = {"security.protocol": "SSL", "ssl.ca.location": str(broker.path / "cert.pem")}
    topics.source = {"kafka": options}
    d = deploy(topics, tiles=COUNT, gateways=1)
    assert test_check_connect.connect(d)[0] == 1
    d["ingestor"].start()
    d["ingestor"].await_log("error .*Kafka at localhost:.*trying again")
    d["ingestor"].kill()

    other_key, other = certificate(folder)
    for use, used_key, lets_in in ((other, other_key, False), (known, key, True)):
        d.config["source"]["kafka"] = options | {"ssl.certificate.location": str(use), "ssl.key.location": str(used_key)}
        d.write()
        status, texts = test_check_connect.connect(d)
        assert (status != 1) == lets_in, texts  # there is no message yet, which is worth a word
    d.start()
    topics.send(order())
    await_value(d, 1)
    d["ingestor"].kill()

    text = secret_file(folder, "client.pem", known.read_text())
    d.config["source"]["kafka"] = options | {"ssl.certificate.pem": {"file": str(text)}, "ssl.key.pem": {"file": str(key)}}
    d.write()
    d.start("ingestor")
    topics.send(order())
    await_value(d, 2)
    d.verify()


def test_scram_lets_in_or_says_why_it_cannot(deploy, broker, folder):
    """Kafka 4 refuses what librdkafka before 2.6.1 sends, whatever the password."""
    topics = Topics(broker)
    topics.create()
    secret = secret_file(folder, "secret", "secret")  # what PLAIN wants
    topics.uri = f"kafka://localhost:{broker.tls[1]}/{topics.names[0]}"
    topics.source = {"password_file": str(secret), "kafka": {
        "security.protocol": "SASL_SSL", "ssl.ca.location": str(broker.path / "cert.pem"), "sasl.mechanisms": "SCRAM-SHA-256", "sasl.username": "tilewire"}}
    d = deploy(topics, tiles=COUNT, gateways=1)
    works = confluent_kafka.libversion()[1] >= 0x020601FF
    hint = [] if works else ["refuse the SCRAM of librdkafka before 2.6.1"]
    status, texts = test_check_connect.connect(d)
    assert status == 1
    test_check_connect.has(texts, "error", "source", "uthentication", *hint)
    d["ingestor"].start()
    d["ingestor"].await_log("uthentication.*" + "".join(hint))
    secret_file(folder, "secret", "scram")
    if not works:
        assert test_check_connect.connect(d)[0] == 1
        return
    d["ingestor"].await_log("ready component")
    d.start("cache", "gateway0")
    topics.send(order())
    await_value(d, 1)
    d.verify()
    assert test_check_connect.connect(d)[0] == 0
