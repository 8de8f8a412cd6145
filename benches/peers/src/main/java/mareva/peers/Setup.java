package mareva.peers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The options of a comparison. */
record Setup(
        String brokers, int jmxPort, long brokerPid, String mareva, Path work, Path rule, String cores, int rounds, String checkpoint,
        List<Plan> plans, Map<String, List<String>> systems) {
    static final List<String> ALL = List.of("mareva", "flink-over", "flink-hop", "streams");
    /** Told by run.sh. */
    private static final List<String> PLACES = List.of(
            "brokers", "jmx-port", "broker-pid", "broker-cores", "mareva", "work", "rule");

    static Setup of(String[] args) {
        Map<String, String> options = new HashMap<>(Map.of(
                "cores", "0,1", "rounds", "3", "checkpoint", "1 s", "records", "2000000", "long-records", "1000000",
                "rows", "20", "long-rows", "1000", "sets", "short,long", "short", String.join(",", ALL),
                "long", "mareva,flink-over"));
        for (String arg : args) {
            int at = arg.indexOf('=');
            if (!arg.startsWith("--") || at < 0) {
                throw new IllegalArgumentException("options are --NAME=VALUE, not " + arg);
            }
            String name = arg.substring(2, at);
            if (!options.containsKey(name) && !PLACES.contains(name)) {
                throw new IllegalArgumentException("there is no option --" + name + "; they stand at the top of run.sh");
            }
            options.put(name, arg.substring(at + 1));
        }
        List<Plan> plans = new ArrayList<>();
        Map<String, List<String>> systems = new HashMap<>();
        for (String name : options.get("sets").split(",")) {
            boolean isLong = name.equals("long");
            if (!isLong && !name.equals("short")) {
                throw new IllegalArgumentException("data sets are short and long, not " + name);
            }
            long records = Long.parseLong(options.get(isLong ? "long-records" : "records"));
            int rows = Integer.parseInt(options.get(isLong ? "long-rows" : "rows"));
            plans.add(new Plan(name, records, rows, isLong ? 4 : 5));
            systems.put(name, List.of(options.get(name).split(",")));
            if (!ALL.containsAll(systems.get(name)) || !systems.get(name).contains("mareva")) {
                throw new IllegalArgumentException("systems are " + ALL + ", mareva always, not " + systems.get(name));
            }
        }
        return new Setup(options.get("brokers"), Integer.parseInt(options.get("jmx-port")),
                Long.parseLong(options.get("broker-pid")), options.get("mareva"),
                Path.of(options.get("work")), Path.of(options.get("rule")), options.get("cores"),
                Integer.parseInt(options.get("rounds")), options.get("checkpoint"), plans, systems);
    }
}
