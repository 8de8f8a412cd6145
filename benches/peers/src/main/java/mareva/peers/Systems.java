package mareva.peers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;

/** Starts a system on a topic, and measures it from the first record read to the end committed. */
final class Systems {
    private static final long LIMIT_MINUTES = 60;

    private final Setup setup;
    private final Admin admin;
    private final Watch watch;
    /** Of the process that is measured: when it has ended, nobody can ask any more. */
    private long lastProcessor;

    Systems(Setup setup, Admin admin, Watch watch) {
        this.setup = setup;
        this.admin = admin;
        this.watch = watch;
    }

    /** Seconds, and processor seconds of the system and of the broker, from the first record read to the end committed. */
    record Measured(double seconds, double processor, double broker) {}

    /** Results are in the topic {@code out} afterwards. */
    Measured run(String system, Plan plan, String out) throws Exception {
        Path folder = Files.createDirectories(setup.work().resolve(out));
        Path log = setup.work().resolve(out + ".log");
        List<String> command = system.equals("mareva") ? mareva(plan, out, folder) : peer(system, plan, out, folder);
        List<String> pinned = new ArrayList<>(List.of("taskset", "-c", setup.cores()));
        pinned.addAll(command);
        Watch.Ends ends = Watch.Ends.of(admin, plan.topic());
        long before = watch.bytesRead(plan.topic());
        long most = Watch.bytesHeld(admin, plan.topic()) * 19 / 20;
        ProcessBuilder builder = new ProcessBuilder(pinned).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
        Process process = builder.start();
        lastProcessor = 0;
        Thread hook = new Thread(process::destroyForcibly);
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            await(system, process, log, 5, () -> watch.bytesRead(plan.topic()) > before);
            long begin = System.currentTimeMillis();
            long processor = Watch.processorMillis(process.pid());
            long broker = Watch.processorMillis(setup.brokerPid());
            long end = system.startsWith("flink")
                    ? finished(system, process, log)
                    : committed(system, process, log, ends, out, () -> watch.bytesRead(plan.topic()) - before >= most);
            Measured measured = new Measured((end - begin) / 1e3, (lastProcessor - processor) / 1e3,
                    (Watch.processorMillis(setup.brokerPid()) - broker) / 1e3);
            if (system.equals("streams")) {
                process.destroy();
            }
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES) || process.exitValue() != 0 && !system.equals("streams")) {
                throw failed(system, log);
            }
            if (system.equals("mareva")) {
                checkCounts(plan, log);
            }
            return measured;
        } finally {
            process.destroyForcibly().waitFor();
            Runtime.getRuntime().removeShutdownHook(hook);
            delete(folder);
        }
    }

    private List<String> mareva(Plan plan, String out, Path folder) throws Exception {
        Topics.create(admin, Topics.PARTITIONS, List.of(out));
        Topics.create(admin, 1, List.of(out + "-dead", out + "-late", out + "-sequence", out + "-exchange"));
        Path rule = Files.createDirectories(folder.resolve("rules/hourly-outflow"));
        for (String name : List.of("rule.sql", "fires.ndjson", "quiet.ndjson", "expected.ndjson")) {
            Files.copy(setup.rule().resolve(name), rule.resolve(name));
        }
        String toml = Files.readString(setup.rule().resolve("rule.toml"));
        toml = replaced(toml, "value = 10\n", "value = " + plan.minPayments() + '\n');
        toml = replaced(toml, "value = \"12500.00\"", "value = \"" + Plan.decimal(plan.minPaidCents()) + '"');
        Files.writeString(rule.resolve("rule.toml"), toml);
        Files.writeString(folder.resolve("mules.csv"), IntStream.range(0, 10_000).mapToObj(Bank::listed)
                .collect(Collectors.joining("\n", "identifier\n", "\n")));
        Path config = folder.resolve("mareva.toml");
        Files.writeString(config, """
                [institution]
                bics = ["MRVADEFF"]
                jurisdiction = "DE"
                [input]
                bank = ["%1$s"]
                exchange = ["%2$s-exchange"]
                [output]
                alerts = "%2$s"
                dead_letters = "%2$s-dead"
                late = "%2$s-late"
                sequence = "%2$s-sequence"
                [kafka]
                "bootstrap.servers" = "%3$s"
                "group.id" = "%2$s"
                "transactional.id" = "%2$s"
                [rules]
                path = "rules"
                [[lists]]
                name = "mules"
                path = "mules.csv"
                regime = "fraud"
                action = "hold"
                binding_in = ["*"]
                evidence_class = "institution_confirmed"
                [http]
                listen = ""
                """.formatted(plan.topic(), out, setup.brokers()));
        return List.of(setup.mareva(), "run", "--config", config.toString(), "--until-end", "--json");
    }

    private List<String> peer(String system, Plan plan, String out, Path folder) throws Exception {
        Topics.create(admin, Topics.PARTITIONS, List.of(out, out + "-warm"));
        boolean flink = system.startsWith("flink");
        Job job = new Job(system.replace("flink-", ""), setup.brokers(), plan.topic(), plan.warm().topic(), out,
                plan.minPayments(), plan.minPaidCents(), setup.checkpoint(), folder);
        List<String> command = new ArrayList<>(List.of("java", "-Xms4g", "-Xmx4g", "-XX:+UseTransparentHugePages",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"));
        if (flink) {
            command.addAll(List.of("--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"));
        }
        command.addAll(List.of("-cp", System.getProperty("java.class.path"),
                flink ? FlinkPeer.class.getName() : StreamsPeer.class.getName()));
        command.addAll(job.args());
        return command;
    }

    /** A rule that no longer holds what is put in must not be measured with other thresholds. */
    private static String replaced(String text, String from, String to) {
        if (!text.contains(from)) {
            throw new IllegalStateException("rule.toml has no " + from.strip());
        }
        return text.replace(from, to);
    }

    private long finished(String system, Process process, Path log) throws Exception {
        long[] at = new long[1];
        await(system, process, log, 100, () -> {
            try (Stream<String> lines = Files.lines(log)) {
                at[0] = lines.filter(line -> line.startsWith(Job.FINISHED)).findFirst()
                        .map(line -> Long.parseLong(line.substring(Job.FINISHED.length()))).orElse(0L);
            }
            return at[0] != 0;
        });
        return at[0];
    }

    private long committed(
            String system, Process process, Path log, Watch.Ends ends, String group, Condition mostIsRead) throws Exception {
        // Who asks the broker fifty times a second has a part of what it does.
        await(system, process, log, 100, mostIsRead);
        await(system, process, log, 20, () -> ends.reached(admin, group));
        return System.currentTimeMillis();
    }

    private interface Condition {
        boolean holds() throws Exception;
    }

    private void await(String system, Process process, Path log, long millis, Condition condition) throws Exception {
        long limit = System.nanoTime() + TimeUnit.MINUTES.toNanos(LIMIT_MINUTES);
        while (!condition.holds()) {
            // What ended well may have reached it between the two looks.
            if ((!process.isAlive() && !condition.holds()) || System.nanoTime() > limit) {
                throw failed(system, log);
            }
            lastProcessor = Math.max(lastProcessor, Watch.processorMillis(process.pid()));
            Thread.sleep(millis);
        }
        lastProcessor = Math.max(lastProcessor, Watch.processorMillis(process.pid()));
    }

    private static IllegalStateException failed(String system, Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        return new IllegalStateException(system + " did not get to the end of the topic:\n"
                + String.join("\n", lines.subList(Math.max(0, lines.size() - 30), lines.size())));
    }

    private static void checkCounts(Plan plan, Path log) throws IOException {
        String summary = Files.readAllLines(log).stream().filter(line -> line.startsWith("{")).reduce("", (a, b) -> b);
        JsonNode counts = new ObjectMapper().readTree(summary).path("counts");
        if (counts.path("accepted").asLong() != plan.records()) {
            throw new IllegalStateException("mareva did not accept every record: " + counts);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
