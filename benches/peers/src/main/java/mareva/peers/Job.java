package mareva.peers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** What a peer is told on its command line. */
record Job(
        String kind, String brokers, String input, String warm, String out, long minPayments, long minPaidCents,
        String checkpoint, Path folder) {
    /** Before the time at which all is committed, in the output of a peer that ends by itself. */
    static final String FINISHED = "finished at ";

    static Job of(String[] args) {
        return new Job(args[0], args[1], args[2], args[3], args[4], Long.parseLong(args[5]), Long.parseLong(args[6]),
                args[7], Path.of(args[8]));
    }

    List<String> args() {
        return new ArrayList<>(List.of(kind, brokers, input, warm, out, Long.toString(minPayments),
                Long.toString(minPaidCents), checkpoint, folder.toString()));
    }
}
