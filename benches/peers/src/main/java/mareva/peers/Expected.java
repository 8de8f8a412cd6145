package mareva.peers;

import java.util.ArrayDeque;
import java.util.Set;
import java.util.TreeSet;

/**
 * What the rule must give, worked out the plain way: every account's payments, row by row.
 *
 * @param perRecord windows that end at a payment: {@code tx_id payments paid}
 * @param hops windows of an hour that end every five minutes: {@code account end payments paid}
 */
record Expected(Set<String> perRecord, Set<String> hops) {
    static final long HOP = 300_000;

    private static final class Account {
        final ArrayDeque<long[]> hour = new ArrayDeque<>();
        long paid;
        /** The five minutes that are counted now, and those before them that are in an hour still. */
        final ArrayDeque<long[]> panes = new ArrayDeque<>();
    }

    static Expected of(Plan plan, long seed) {
        Expected expected = new Expected(new TreeSet<>(), new TreeSet<>());
        Account[] accounts = new Account[plan.accounts()];
        String[] ids = new String[accounts.length];
        Bank bank = new Bank(plan, seed);
        while (bank.advance()) {
            Account account = accounts[bank.account];
            if (account == null) {
                account = accounts[bank.account] = new Account();
                ids[bank.account] = bank.accountId();
            }
            account.hour.add(new long[] {bank.time, bank.cents});
            account.paid += bank.cents;
            // Exactly an hour before belongs to the window.
            while (account.hour.peek()[0] < bank.time - Plan.HOUR) {
                account.paid -= account.hour.poll()[1];
            }
            if (passes(plan, account.hour.size(), account.paid)) {
                expected.perRecord.add(bank.transactionId() + ' ' + account.hour.size() + ' ' + Plan.decimal(account.paid));
            }
            long pane = bank.time - bank.time % HOP;
            if (account.panes.isEmpty() || account.panes.peekLast()[0] != pane) {
                account.panes.add(new long[] {pane, 0, 0});
            }
            account.panes.peekLast()[1]++;
            account.panes.peekLast()[2] += bank.cents;
        }
        for (int at = 0; at < accounts.length; at++) {
            if (accounts[at] != null) {
                hops(plan, ids[at], accounts[at], expected.hops);
            }
        }
        return expected;
    }

    private static void hops(Plan plan, String id, Account account, Set<String> into) {
        long last = Plan.BEGIN + (plan.hours() + 1) * Plan.HOUR;
        for (long end = Plan.BEGIN + HOP; end <= last; end += HOP) {
            long payments = 0;
            long paid = 0;
            for (long[] pane : account.panes) {
                if (pane[0] >= end - Plan.HOUR && pane[0] < end) {
                    payments += pane[1];
                    paid += pane[2];
                }
            }
            if (passes(plan, payments, paid)) {
                into.add(id + ' ' + end + ' ' + payments + ' ' + Plan.decimal(paid));
            }
        }
    }

    private static boolean passes(Plan plan, long payments, long paid) {
        return payments >= plan.minPayments() && paid >= plan.minPaidCents();
    }
}
