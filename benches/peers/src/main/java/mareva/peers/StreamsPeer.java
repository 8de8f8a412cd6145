package mareva.peers;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.state.WindowStore;

/** The rule in Kafka Streams, sliding windows. It does not end by itself: who started it stops it. */
final class StreamsPeer {
    private static final JsonFactory JSON = new JsonFactory();

    record Payment(long time, long cents) {
        /** The two fields that the rule needs; the rest is skipped. */
        static Payment of(byte[] text) {
            long time = -1;
            long cents = -1;
            try (JsonParser parser = JSON.createParser(text)) {
                parser.nextToken();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String name = parser.currentName();
                    parser.nextToken();
                    switch (name) {
                        case "time" -> time = parser.getLongValue();
                        case "amount" -> cents = new BigDecimal(parser.getText()).movePointRight(2).longValueExact();
                        default -> parser.skipChildren();
                    }
                }
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
            return new Payment(time, cents);
        }
    }

    /** Of a window: how many payments, how much, and when the last of them was. */
    record Total(long payments, long cents, long last) {
        static byte[] write(Total total) {
            return total == null ? null
                    : ByteBuffer.allocate(24).putLong(total.payments).putLong(total.cents).putLong(total.last).array();
        }

        static Total read(byte[] bytes) {
            if (bytes == null) {
                return null;
            }
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            return new Total(buffer.getLong(), buffer.getLong(), buffer.getLong());
        }
    }

    public static void main(String[] args) throws Exception {
        Job job = Job.of(args);
        // The compiler of the JVM has seen the topology before the clock runs.
        try (KafkaStreams warm = start(job, job.warm(), job.out() + "-warm"); Admin admin = Watch.admin(job.brokers())) {
            Watch.Ends ends = Watch.Ends.of(admin, job.warm());
            while (!ends.reached(admin, job.out() + "-warm")) {
                Thread.sleep(50);
            }
        }
        KafkaStreams streams = start(job, job.input(), job.out());
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(30))));
        Thread.currentThread().join();
    }

    private static KafkaStreams start(Job job, String input, String output) {
        Properties settings = new Properties();
        settings.put("application.id", output);
        settings.put("bootstrap.servers", job.brokers());
        settings.put("state.dir", job.folder().toString());
        settings.put("processing.guarantee", "exactly_once_v2");
        settings.put("num.stream.threads", Runtime.getRuntime().availableProcessors());
        settings.put("commit.interval.ms", "1000");
        settings.put("replication.factor", "1");
        settings.put("statestore.cache.max.bytes", Long.toString(512L << 20));
        settings.put("max.poll.records", "5000");
        settings.put("consumer.auto.offset.reset", "earliest");
        KafkaStreams streams = new KafkaStreams(topology(job, input, output), settings);
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.start();
        return streams;
    }

    private static Topology topology(Job job, String input, String output) {
        Deserializer<Payment> payments = (topic, bytes) -> Payment.of(bytes);
        Serde<Payment> payment = Serdes.serdeFrom((topic, value) -> {
            throw new UnsupportedOperationException("payments are only read");
        }, payments);
        Serde<Total> total = Serdes.serdeFrom((topic, value) -> Total.write(value), (topic, bytes) -> Total.read(bytes));
        StreamsBuilder builder = new StreamsBuilder();
        // Times never go back within a partition, so no grace is needed: the best case for Kafka Streams.
        builder.stream(input, Consumed.with(Serdes.String(), payment)
                        .withTimestampExtractor((record, before) -> ((Payment) record.value()).time()))
                .groupByKey()
                .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(Duration.ofHours(1), Duration.ZERO))
                .aggregate(() -> new Total(0, 0, 0),
                        (account, one, sum) -> new Total(sum.payments + 1, sum.cents + one.cents, one.time),
                        Materialized.<String, Total, WindowStore<Bytes, byte[]>>as("totals")
                                .withKeySerde(Serdes.String()).withValueSerde(total)
                                .withRetention(Duration.ofHours(2)).withCachingEnabled()
                                .withLoggingEnabled(Map.of()))
                .toStream()
                // Of all sliding windows those that end at a payment: the ones that an OVER window has.
                .filter((window, sum) -> sum != null && window.window().end() == sum.last
                        && sum.payments >= job.minPayments() && sum.cents >= job.minPaidCents())
                .map((window, sum) -> KeyValue.pair(window.key(),
                        window.key() + ' ' + sum.last + ' ' + sum.payments + ' ' + Plan.decimal(sum.cents)))
                .to(output, Produced.with(Serdes.String(), Serdes.String()));
        return builder.build();
    }
}
