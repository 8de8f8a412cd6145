package mareva.peers;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Makes, fills and deletes topics. */
final class Topics {
    static final int PARTITIONS = 4;

    private Topics() {}

    static void create(Admin admin, int partitions, Collection<String> names) throws Exception {
        Map<String, String> settings = Map.of(
                "message.timestamp.type", "LogAppendTime", "retention.ms", "-1", "retention.bytes", "-1");
        admin.createTopics(names.stream().map(name -> new NewTopic(name, partitions, (short) 1).configs(settings)).toList())
                .all().get();
    }

    /** Payments in the order of their times, the account as the key: in order within each partition. */
    static long fill(String brokers, Plan plan, long seed, String topic) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers, "acks", "all", "enable.idempotence", "true",
                "linger.ms", "20", "batch.size", "262144", "buffer.memory", "134217728",
                // The broker may still be busy with taking away what the last peer wrote.
                "request.timeout.ms", "120000", "delivery.timeout.ms", "600000");
        AtomicReference<Exception> failure = new AtomicReference<>();
        long bytes = 0;
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer())) {
            Bank bank = new Bank(plan, seed);
            while (bank.advance()) {
                byte[] json = bank.json();
                bytes += json.length;
                producer.send(new ProducerRecord<>(topic, bank.accountId(), json), (sent, error) -> {
                    if (error != null) {
                        failure.compareAndSet(null, error);
                    }
                });
            }
        }
        if (failure.get() != null) {
            throw new IllegalStateException("cannot fill " + topic, failure.get());
        }
        return bytes;
    }

    /** Deletes all topics that begin so; what a peer made for itself goes, too. */
    static void delete(Admin admin, String prefix) throws Exception {
        List<String> gone = admin.listTopics().names().get().stream().filter(name -> name.startsWith(prefix)).toList();
        try {
            admin.deleteTopics(gone).all().get();
        } catch (ExecutionException error) {
            System.err.println("topics that begin with " + prefix + " are left: " + error.getCause());
        }
    }
}
