package mareva.peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** What a system published, as a reader of committed records sees it, in the form of {@link Expected}. */
final class Results {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final DateTimeFormatter SQL_TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private Results() {}

    static Set<String> of(String system, String brokers, Plan plan, String topic) throws Exception {
        List<String> records = read(brokers, topic);
        if (system.equals("mareva")) {
            return alerts(records);
        }
        Set<String> results = new TreeSet<>();
        for (String text : records) {
            String result = switch (system) {
                case "flink-over" -> over(JSON.readTree(text));
                case "flink-hop" -> hop(JSON.readTree(text));
                case "streams" -> sliding(plan, text);
                default -> throw new IllegalArgumentException(system);
            };
            if (!results.add(result)) {
                throw new IllegalStateException(system + " published twice: " + result);
            }
        }
        return results;
    }

    private static String over(JsonNode row) {
        return row.get("tx_id").asText() + ' ' + row.get("payments").asLong() + ' ' + money(row.get("paid"));
    }

    private static String hop(JsonNode row) {
        LocalDateTime end = LocalDateTime.parse(row.get("window_end").asText(), SQL_TIME);
        return row.get("account").asText() + ' ' + end.toInstant(ZoneOffset.UTC).toEpochMilli() + ' '
                + row.get("payments").asLong() + ' ' + money(row.get("paid"));
    }

    private static String sliding(Plan plan, String text) {
        String[] parts = text.split(" ");
        return Bank.transactionId(plan.numberAt(Long.parseLong(parts[1]))) + ' ' + parts[2] + ' ' + parts[3];
    }

    /** The detections that the last revision of each alert names. */
    private static Set<String> alerts(List<String> records) throws Exception {
        Map<String, JsonNode> last = new HashMap<>();
        for (String text : records) {
            JsonNode alert = JSON.readTree(text);
            last.merge(alert.get("alert_id").asText(), alert,
                    (a, b) -> a.get("revision").asLong() > b.get("revision").asLong() ? a : b);
        }
        Set<String> results = new TreeSet<>();
        for (JsonNode alert : last.values()) {
            for (JsonNode rule : alert.get("evidence").get("rules")) {
                if (rule.get("omitted").asLong() != 0) {
                    throw new IllegalStateException("an alert does not list all of its detections: give fewer to an account");
                }
                for (JsonNode detection : rule.get("detections")) {
                    String row = detection.get("row_id").asText();
                    JsonNode columns = detection.get("columns");
                    results.add(row.substring(row.indexOf(':') + 1) + ' ' + columns.get("payments").asLong() + ' '
                            + money(columns.get("paid")));
                }
            }
        }
        return results;
    }

    private static String money(JsonNode value) {
        return new BigDecimal(value.asText()).setScale(2).toPlainString();
    }

    private static List<String> read(String brokers, String topic) {
        Map<String, Object> settings = Map.of("bootstrap.servers", brokers, "isolation.level", "read_committed");
        List<String> records = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> partitions = consumer.partitionsFor(topic).stream()
                    .map(info -> new TopicPartition(topic, info.partition())).toList();
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
            while (partitions.stream().anyMatch(at -> consumer.position(at) < ends.get(at))) {
                consumer.poll(Duration.ofMillis(100)).forEach(record -> records.add(record.value()));
            }
        }
        return records;
    }
}
