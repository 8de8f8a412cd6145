package mareva.peers;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;

/** Puts one rule to Mareva, Flink SQL and Kafka Streams, round after round, and holds their results against each other. */
final class Compare {
    private static final long SEED = 1;
    private static final long WARM_SEED = 2;
    /** Runs for which the broker's compiler is given time, at most, and the part of a core at which it counts as done. */
    private static final int SETTLING_RUNS = 10;
    private static final double SETTLED = 0.1;

    private final Setup setup;
    private final Admin admin;
    private final Watch watch;
    private final Systems systems;

    private Compare(Setup setup, Admin admin, Watch watch) {
        this.setup = setup;
        this.admin = admin;
        this.watch = watch;
        this.systems = new Systems(setup, admin, watch);
    }

    public static void main(String[] args) throws Exception {
        Setup setup = Setup.of(args);
        try (Admin admin = Watch.admin(setup.brokers()); Watch watch = new Watch(setup.jmxPort())) {
            Compare compare = new Compare(setup, admin, watch);
            for (Plan plan : setup.plans()) {
                compare.run(plan);
            }
        }
    }

    private void run(Plan plan) throws Exception {
        System.out.printf("%n%s: %,d records of %,d accounts in %d hours, %,d rows in a window on average%n",
                plan.name(), plan.records(), plan.accounts(), plan.hours(), plan.rowsInWindow());
        Plan warm = plan.warm();
        Topics.create(admin, Topics.PARTITIONS, List.of(plan.topic(), warm.topic()));
        long bytes = Topics.fill(setup.brokers(), plan, SEED, plan.topic());
        Topics.fill(setup.brokers(), warm, WARM_SEED, warm.topic());
        Expected expected = Expected.of(plan, SEED);
        System.out.printf("%d bytes a record, %d partitions; count >= %d and sum >= %s: %,d records, %,d hops of 5 min%n",
                bytes / plan.records(), Topics.PARTITIONS, plan.minPayments(), Plan.decimal(plan.minPaidCents()),
                expected.perRecord().size(), expected.hops().size());
        List<String> names = setup.systems().get(plan.name());
        Map<String, List<Systems.Measured>> all = new LinkedHashMap<>();
        names.forEach(name -> all.put(name, new ArrayList<>()));
        settle(plan);
        for (int round = 1; round <= setup.rounds(); round++) {
            List<String> order = new ArrayList<>(names);
            // Nobody is always first.
            Collections.rotate(order, round - 1);
            for (String name : order) {
                all.get(name).add(measure(name, plan, round, expected));
            }
        }
        report(plan, all);
        Topics.delete(admin, plan.topic());
    }

    /** Has the broker serve a reader until its compiler is done: it would work for whoever comes first. */
    private void settle(Plan plan) throws Exception {
        double part = 1;
        for (int run = 1; run <= SETTLING_RUNS && part > SETTLED; run++) {
            long before = watch.compilerMillis();
            String out = "out-" + plan.name() + "-settle-" + run;
            double seconds = systems.run("mareva", plan, out).seconds();
            Topics.delete(admin, out);
            part = (watch.compilerMillis() - before) / 1e3 / seconds;
            System.out.printf("broker settles %d: %.1f s, its compiler works %.2f of a core%n", run, seconds, part);
        }
    }

    private Systems.Measured measure(String name, Plan plan, int round, Expected expected) throws Exception {
        String out = "out-" + plan.name() + '-' + name + '-' + round;
        if (name.equals("mareva")) {
            // As the peers do in their own processes.
            systems.run(name, plan.warm(), out + "-warm");
        }
        Systems.Measured measured = systems.run(name, plan, out);
        Set<String> found = Results.of(name, setup.brokers(), plan, out);
        check(name, name.equals("flink-hop") ? expected.hops() : expected.perRecord(), found);
        Topics.delete(admin, out);
        System.out.printf("round %d  %-10s %7.1f s, %,9.0f records/s, processor %7.1f s and %5.1f s of the broker;"
                        + " %,d results, all right%n", round, name, measured.seconds(),
                plan.records() / measured.seconds(), measured.processor(), measured.broker(), found.size());
        return measured;
    }

    private static void check(String name, Set<String> expected, Set<String> found) {
        Set<String> missing = new TreeSet<>(expected);
        missing.removeAll(found);
        Set<String> extra = new TreeSet<>(found);
        extra.removeAll(expected);
        if (expected.isEmpty() || !missing.isEmpty() || !extra.isEmpty()) {
            throw new IllegalStateException("%s disagrees: of %d results %d are missing (%s), %d are extra (%s)".formatted(name,
                    expected.size(), missing.size(), first(missing), extra.size(), first(extra)));
        }
    }

    private static List<String> first(Set<String> results) {
        return results.stream().limit(3).toList();
    }

    private static void report(Plan plan, Map<String, List<Systems.Measured>> all) {
        System.out.printf("%-10s %13s  %-26s %16s  %s%n", "", "median rate", "Mareva is faster by", "us of processor",
                "Mareva needs less by");
        all.forEach((name, theirs) -> {
            List<Systems.Measured> ours = all.get("mareva");
            double rate = plan.records() / median(theirs.stream().map(Systems.Measured::seconds).toList());
            double processor = median(theirs.stream().map(Systems.Measured::processor).toList()) * 1e6 / plan.records();
            boolean self = name.equals("mareva");
            System.out.printf("%-10s %,11.0f/s  %-26s %16.2f  %s%n", name, rate,
                    self ? "" : ratio(ours, theirs, Systems.Measured::seconds), processor,
                    self ? "" : ratio(ours, theirs, Systems.Measured::processor));
        });
    }

    /** Theirs by ours, round by round: median, least and most. */
    private static String ratio(
            List<Systems.Measured> ours, List<Systems.Measured> theirs, ToDoubleFunction<Systems.Measured> what) {
        List<Double> ratios = IntStream.range(0, theirs.size())
                .mapToObj(round -> what.applyAsDouble(theirs.get(round)) / what.applyAsDouble(ours.get(round))).toList();
        return "%.1f (%.1f to %.1f)".formatted(median(ratios), Collections.min(ratios), Collections.max(ratios));
    }

    private static double median(List<Double> values) {
        List<Double> sorted = new ArrayList<>(values);
        Collections.sort(sorted);
        int half = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(half) : (sorted.get(half - 1) + sorted.get(half)) / 2;
    }
}
