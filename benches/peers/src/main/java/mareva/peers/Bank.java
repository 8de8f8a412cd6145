package mareva.peers;

import java.nio.charset.StandardCharsets;

/** The payments of a made-up bank, one after the other, in the order of their times: the same seed, the same bytes. */
final class Bank {
    private static final int BURST = 10;
    private static final int PAYEES = 5_000;
    private static final String[] FIRST = {"Anna", "Emre", "Jonas", "Leyla", "Oliver", "Sofia", "Thomas", "Zoe"};
    private static final String[] LAST = {"Beispiel", "Hargreaves", "Lindqvist", "Muster", "Olbrich", "Petrov"};

    private final Plan plan;
    private final String[] accounts;
    private final String[] payees;
    /** For each planted account, when its burst begins, and how much of it is left. */
    private final long[] burstAt;
    private final int[] burstLeft;
    private long random;
    private long next;

    /** The payment that {@link #advance} went to. */
    int account;
    int payee;
    long time;
    long cents;

    Bank(Plan plan, long seed) {
        this.plan = plan;
        this.random = seed;
        accounts = new String[plan.accounts()];
        for (int at = 0; at < accounts.length; at++) {
            accounts[at] = iban("90010000", at);
        }
        payees = new String[PAYEES];
        for (int at = 0; at < PAYEES; at++) {
            payees[at] = iban("28910200", at);
        }
        burstAt = new long[plan.planted()];
        burstLeft = new int[plan.planted()];
        long span = plan.hours() * Plan.HOUR;
        for (int at = 0; at < burstAt.length; at++) {
            burstAt[at] = Plan.BEGIN + span * 3 / 10 + below(span * 7 / 10);
            burstLeft[at] = BURST;
        }
    }

    /** Goes to the next payment; false at the end. */
    boolean advance() {
        if (next == plan.records()) {
            return false;
        }
        time = plan.time(next);
        next++;
        account = (int) below(accounts.length);
        payee = (int) below(PAYEES);
        cents = 100 + below(2 * Plan.MEAN_CENTS - 200);
        if (account < burstAt.length && time >= burstAt[account]) {
            if (burstLeft[account] == 0) {
                // It is silent from now on, so that it stays at few detections: an alert lists twenty.
                account = burstAt.length + (int) below(accounts.length - burstAt.length);
            } else {
                burstLeft[account]--;
                cents = plan.minPaidCents() * (120 + below(180)) / 1000 + below(100);
            }
        }
        return true;
    }

    String accountId() {
        return accounts[account];
    }

    String transactionId() {
        return transactionId(next - 1);
    }

    static String transactionId(long number) {
        return String.format("B%010d", number);
    }

    byte[] json() {
        int name = account % (FIRST.length * LAST.length);
        String text = "{\"type\":\"credit_transfer\",\"tx_id\":\"" + transactionId() + "\",\"source\":\"MRVADEFF\""
                + ",\"time\":" + time + ",\"status\":\"settled\",\"amount\":\"" + Plan.decimal(cents) + "\",\"currency\":\"EUR\""
                + ",\"originator\":{\"account\":\"" + accounts[account] + "\",\"name\":\"" + FIRST[name % FIRST.length] + ' '
                + LAST[name / FIRST.length] + "\",\"agent\":\"MRVADEFF\",\"country\":\"DE\"}"
                + ",\"beneficiary\":{\"account\":\"" + payees[payee] + "\",\"name\":\"Payee " + payee
                + "\",\"agent\":\"FJRDDEHH\",\"country\":\"DE\"},\"channel\":\"mobile\",\"device\":\"dev-" + account
                + "\",\"remittance\":\"Invoice " + next + "\"}";
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** An account of a list that is screened against: none of ours. */
    static String listed(int number) {
        return iban("59000000", number);
    }

    private static String iban(String bank, int number) {
        String account = bank + String.format("%010d", number);
        long rest = 0;
        // "DE" and 00 behind the account, as digits.
        for (char digit : (account + "131400").toCharArray()) {
            rest = (rest * 10 + (digit - '0')) % 97;
        }
        return String.format("DE%02d%s", 98 - rest, account);
    }

    /** SplitMix64, so that the records do not depend on the version of Java. */
    private long below(long bound) {
        random += 0x9E3779B97F4A7C15L;
        long z = random;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return Long.remainderUnsigned(z ^ (z >>> 31), bound);
    }
}
