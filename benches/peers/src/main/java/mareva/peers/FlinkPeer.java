package mareva.peers;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** The rule in Flink SQL: {@code over} or {@code hop}. Judges what the topic holds now, and ends. */
final class FlinkPeer {
    public static void main(String[] args) throws Exception {
        Job job = Job.of(args);
        // The compiler of the JVM has seen the query before the clock runs.
        run(job, job.warm(), job.out() + "-warm");
        long end = run(job, job.input(), job.out());
        System.out.println(Job.FINISHED + end);
        System.exit(0);
    }

    private static long run(Job job, String input, String output) throws Exception {
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(settings(job));
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.getConfig().set("table.local-time-zone", "UTC");
        tables.getConfig().set("table.exec.mini-batch.enabled", "true");
        tables.getConfig().set("table.exec.mini-batch.allow-latency", "200 ms");
        tables.getConfig().set("table.exec.mini-batch.size", "5000");
        tables.executeSql(source(job, input));
        tables.executeSql(sink(job, output));
        tables.executeSql(job.kind().equals("hop") ? hop(job) : over(job)).await();
        return System.currentTimeMillis();
    }

    private static Configuration settings(Job job) {
        Configuration settings = new Configuration();
        // As many as it is pinned to.
        settings.setString("parallelism.default", String.valueOf(Runtime.getRuntime().availableProcessors()));
        settings.setString("pipeline.object-reuse", "true");
        settings.setString("state.backend.type", "hashmap");
        settings.setString("execution.checkpointing.interval", job.checkpoint());
        settings.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        settings.setString("execution.checkpointing.dir", job.folder().toUri().toString());
        // Room for the window buffers of HOP and for the exchange between the two halves.
        settings.setString("taskmanager.memory.managed.size", "512m");
        settings.setString("taskmanager.memory.network.min", "128m");
        settings.setString("taskmanager.memory.network.max", "128m");
        return settings;
    }

    private static String source(Job job, String input) {
        // Times never go back within a partition, so the watermark needs no slack: the best case for Flink.
        return """
                CREATE TABLE payments (
                    tx_id STRING,
                    `time` BIGINT,
                    amount DECIMAL(18, 2),
                    originator ROW<account STRING>,
                    account AS originator.account,
                    event_time AS TO_TIMESTAMP_LTZ(`time`, 3),
                    WATERMARK FOR event_time AS event_time
                ) WITH (
                    'connector' = 'kafka',
                    'topic' = '%s',
                    'properties.bootstrap.servers' = '%s',
                    'properties.group.id' = '%s',
                    'scan.startup.mode' = 'earliest-offset',
                    'scan.bounded.mode' = 'latest-offset',
                    'format' = 'json'
                )""".formatted(input, job.brokers(), job.out());
    }

    private static String sink(Job job, String output) {
        String columns = job.kind().equals("hop") ? "account STRING, window_end TIMESTAMP(3)" : "tx_id STRING";
        return """
                CREATE TABLE results (%s, payments BIGINT, paid DECIMAL(38, 2)) WITH (
                    'connector' = 'kafka',
                    'topic' = '%s',
                    'properties.bootstrap.servers' = '%s',
                    'properties.transaction.timeout.ms' = '600000',
                    'sink.delivery-guarantee' = 'exactly-once',
                    'sink.transactional-id-prefix' = '%s',
                    'format' = 'json'
                )""".formatted(columns, output, job.brokers(), output);
    }

    private static String over(Job job) {
        return """
                INSERT INTO results SELECT tx_id, payments, paid FROM (
                    SELECT tx_id, COUNT(*) OVER w AS payments, SUM(amount) OVER w AS paid
                    FROM payments
                    WINDOW w AS (PARTITION BY account ORDER BY event_time
                                 RANGE BETWEEN INTERVAL '1' HOUR PRECEDING AND CURRENT ROW))
                WHERE payments >= %d AND paid >= %s""".formatted(job.minPayments(), Plan.decimal(job.minPaidCents()));
    }

    private static String hop(Job job) {
        return """
                INSERT INTO results
                SELECT account, window_end, payments, paid FROM (
                    SELECT account, window_end, COUNT(*) AS payments, SUM(amount) AS paid
                    FROM HOP(TABLE payments, DESCRIPTOR(event_time), INTERVAL '5' MINUTES, INTERVAL '1' HOUR)
                    GROUP BY account, window_start, window_end)
                WHERE payments >= %d AND paid >= %s""".formatted(job.minPayments(), Plan.decimal(job.minPaidCents()));
    }
}
