import socket

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from fundline.stack.engines.kafka import KafkaBroker
from fundline.stack.engines.kafka_development import KafkaDevelopmentBroker
from fundline.stack.engines.kafka_jars import KafkaUnavailable
from fundline.stack.engines.valkey import ValkeyServer
from fundline.stack.layout import LOOPBACK

pytestmark = pytest.mark.integration


def ask_cache(port, command):
    with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
        connection.sendall(command)
        return connection.recv(1024)


def produce_one(bootstrap, topic):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(20)
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "message.timeout.ms": 20_000})
    producer.produce(topic, key="a-1", value=b"paid")
    assert producer.flush(20) == 0


def consume_one(bootstrap, topic):
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"{topic}-readers",
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(20)
        return None if message is None else message.value()
    finally:
        consumer.close()


def test_a_cached_value_survives_kill_9(home, ports, start_engine):
    with start_engine(ValkeyServer(home, ports)) as valkey:
        assert ask_cache(ports.valkey, b"SET status:1 approved\r\n") == b"+OK\r\n"
        valkey.kill()
        valkey.start()
        assert ask_cache(ports.valkey, b"GET status:1\r\n") == b"$8\r\napproved\r\n"
        valkey.stop()


def test_kafka_keeps_an_acknowledged_event_through_kill_9(home, ports, start_engine):
    broker = KafkaBroker(home, ports)
    with start_engine(broker) as kafka:
        produce_one(broker.address, "kept")
        kafka.kill()
        broker.prepare(print)
        kafka.start()
        assert consume_one(broker.address, "kept") == b"paid"


def test_kafka_that_cannot_be_downloaded_is_refused_with_the_setting(home, ports, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # an empty cache
    environ = {"FUNDLINE_MAVEN_REPOSITORY": f"http://{LOOPBACK}:{ports.gateway}/maven2"}
    with pytest.raises(KafkaUnavailable, match="FUNDLINE_MAVEN_REPOSITORY"):
        KafkaBroker(home, ports, environ).prepare(print)


def test_the_development_broker_takes_kafkas_place(home, ports, start_engine):
    broker = KafkaDevelopmentBroker(home, ports)
    with start_engine(broker) as stand_in:
        produce_one(broker.address, "stood-in")
        assert consume_one(broker.address, "stood-in") == b"paid"
        stand_in.stop()
