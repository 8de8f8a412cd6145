package mareva.peers;

import java.math.BigDecimal;

/** A data set and the rule put to it. All that follows from these numbers is the same in every run. */
record Plan(String name, long records, int rowsInWindow, int hours) {
    /** 2026-01-05T00:00:00Z: what is judged lies within one day, and so does an alert. */
    static final long BEGIN = 1_767_571_200_000L;
    static final long HOUR = 3_600_000L;
    static final long MEAN_CENTS = 25_000;

    Plan {
        if (accounts(records, rowsInWindow, hours) < 10) {
            throw new IllegalArgumentException(
                    name + ": fewer than 10 accounts; take more records, or fewer rows in a window");
        }
        // One record a millisecond at most, so that no two of an account fall on the same one: Kafka Streams would
        // report the first of two before it has seen the second, the others both with the sum of both.
        if (records > hours * HOUR || hours > 20) {
            throw new IllegalArgumentException(name + ": at most 3.6 million records an hour, and 20 hours");
        }
    }

    /** What a JVM is warmed up with: a tenth as much of the same kind. */
    Plan warm() {
        return new Plan(name + "-warm", Math.max(records / 10, 10L * rowsInWindow * hours), rowsInWindow, hours);
    }

    private static long accounts(long records, int rowsInWindow, int hours) {
        return records / ((long) rowsInWindow * hours);
    }

    int accounts() {
        return Math.toIntExact(accounts(records, rowsInWindow, hours));
    }

    /** Accounts that end in a burst of large payments: those that the rule is to find. */
    int planted() {
        return Math.max(1, Math.min(200, accounts() / 5));
    }

    long time(long number) {
        return BEGIN + number * (hours * HOUR) / records;
    }

    /** Number of the payment at that time. */
    long numberAt(long time) {
        long number = -Math.floorDiv(-(time - BEGIN) * records, hours * HOUR);
        if (time(number) != time) {
            throw new IllegalArgumentException("no payment has the time " + time);
        }
        return number;
    }

    long minPayments() {
        return Math.max(1, rowsInWindow / 2);
    }

    /** Two and a half times what an account pays in an hour: chance does not get there. */
    long minPaidCents() {
        return rowsInWindow * MEAN_CENTS * 5 / 2;
    }

    String minPaid() {
        return decimal(minPaidCents());
    }

    String topic() {
        return "payments-" + name;
    }

    static String decimal(long cents) {
        return BigDecimal.valueOf(cents, 2).toPlainString();
    }
}
