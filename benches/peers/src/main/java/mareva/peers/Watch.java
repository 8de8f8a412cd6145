package mareva.peers;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;

/** Sees from the broker when a topic is first read, and when all of it is committed: the same for every system. */
final class Watch implements AutoCloseable {
    /** Its number, as run.sh has it. */
    private static final int BROKER = 1;

    private final JMXConnector connector;
    private final MBeanServerConnection broker;

    Watch(int port) throws Exception {
        connector = JMXConnectorFactory.connect(
                new JMXServiceURL("service:jmx:rmi:///jndi/rmi://127.0.0.1:" + port + "/jmxrmi"));
        broker = connector.getMBeanServerConnection();
    }

    /** Bytes of the topic that the broker has given to readers. */
    long bytesRead(String topic) throws Exception {
        try {
            return (Long) broker.getAttribute(
                    new ObjectName("kafka.server:type=BrokerTopicMetrics,name=BytesOutPerSec,topic=" + topic), "Count");
        } catch (InstanceNotFoundException nobodyReadIt) {
            return 0;
        }
    }

    /** Bytes of the topic on the broker's disk. */
    static long bytesHeld(Admin admin, String topic) throws Exception {
        return admin.describeLogDirs(List.of(BROKER)).allDescriptions().get().get(BROKER).values().stream()
                .flatMap(folder -> folder.replicaInfos().entrySet().stream())
                .filter(replica -> replica.getKey().topic().equals(topic))
                .mapToLong(replica -> replica.getValue().size()).sum();
    }

    /** What the broker's compiler has worked so far, milliseconds of all its threads. */
    long compilerMillis() throws Exception {
        return (Long) broker.getAttribute(new ObjectName("java.lang:type=Compilation"), "TotalCompilationTime");
    }

    /** Processor time of all threads of a process so far; 0 when it is no more. */
    static long processorMillis(long pid) {
        return ProcessHandle.of(pid).flatMap(process -> process.info().totalCpuDuration()).map(Duration::toMillis).orElse(0L);
    }

    @Override
    public void close() throws Exception {
        connector.close();
    }

    static Admin admin(String brokers) {
        return Admin.create(Map.of("bootstrap.servers", brokers));
    }

    /** Where the partitions of a topic end. */
    record Ends(Map<TopicPartition, Long> offsets) {
        static Ends of(Admin admin, String topic) throws Exception {
            int partitions = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            for (int at = 0; at < partitions; at++) {
                latest.put(new TopicPartition(topic, at), OffsetSpec.latest());
            }
            return new Ends(admin.listOffsets(latest).all().get().entrySet().stream()
                    .collect(Collectors.toMap(Map.Entry::getKey, end -> end.getValue().offset())));
        }

        boolean reached(Admin admin, String group) throws Exception {
            Map<TopicPartition, OffsetAndMetadata> committed =
                    admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            return offsets.entrySet().stream().allMatch(end -> {
                OffsetAndMetadata offset = committed.get(end.getKey());
                return end.getValue() == 0 || offset != null && offset.offset() >= end.getValue();
            });
        }
    }
}
