use proptest::prelude::*;

use super::*;
use crate::row::RESERVED_SOURCES;

/// Text as a sender may write it: any characters but NUL, not blank.
fn word() -> impl Strategy<Value = String> {
    "\\PC{1,40}".prop_filter("not blank", |text| !text.trim().is_empty())
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,35}".prop_filter("not reserved", |text| !RESERVED_SOURCES.contains(&text.as_str()))
}

/// A message with these transactions, each good or bad.
fn message(pick: usize, good: &[bool]) -> String {
    let (root, header, group, element, amount) = [
        ("FIToFICstmrCdtTrf", "GrpHdr", "", "CdtTrfTxInf", "<IntrBkSttlmAmt Ccy='EUR'>?</IntrBkSttlmAmt>"),
        ("FICdtTrf", "GrpHdr", "", "CdtTrfTxInf", "<IntrBkSttlmAmt Ccy='EUR'>?</IntrBkSttlmAmt>"),
        ("PmtRtr", "GrpHdr", "", "TxInf", "<RtrdIntrBkSttlmAmt Ccy='EUR'>?</RtrdIntrBkSttlmAmt>"),
        (
            "FIToFIPmtStsRpt",
            "GrpHdr",
            "",
            "TxInfAndSts",
            "<OrgnlTxRef><IntrBkSttlmAmt Ccy='EUR'>?</IntrBkSttlmAmt></OrgnlTxRef>",
        ),
        ("CstmrCdtTrfInitn", "GrpHdr", "PmtInf", "CdtTrfTxInf", "<Amt><InstdAmt Ccy='EUR'>?</InstdAmt></Amt>"),
        ("FIToFIPmtCxlReq", "Assgnmt", "Undrlyg", "TxInf", "<OrgnlIntrBkSttlmAmt Ccy='EUR'>?</OrgnlIntrBkSttlmAmt>"),
    ][pick];
    let transaction = |good: &bool| {
        let amount = amount.replace('?', if *good { "1.5" } else { "-1" });
        format!("<{element}>{amount}</{element}>")
    };
    let transactions: String = good.iter().map(transaction).collect();
    let (open, close) =
        if group.is_empty() { Default::default() } else { (format!("<{group}>"), format!("</{group}>")) };
    format!("<{root}><{header}><CreDtTm>2026-01-05T10:00:00Z</CreDtTm></{header}>{open}{transactions}{close}</{root}>")
}

proptest! {
    #[test]
    fn every_transaction_of_any_messages_is_one_row_or_one_dead_letter(
        messages in proptest::collection::vec((0_usize..6, proptest::collection::vec(any::<bool>(), 0..5)), 1..6),
    ) {
        let sent: String = messages.iter().map(|(pick, good)| message(*pick, good)).collect();
        let decoded = decode(Stream::Bank, format!("<Batch>{sent}</Batch>").as_bytes());
        let good = messages.iter().flat_map(|(_, good)| good).filter(|good| **good).count();
        // One that holds none is a dead letter itself.
        let all: usize = messages.iter().map(|(_, good)| good.len().max(1)).sum();
        prop_assert_eq!((decoded.batch.len(), decoded.dead_letters.len()), (good, all - good), "{}", sent);
        let rows = decoded.batch.index().values().iter().copied();
        let mut indexes: Vec<i32> = rows.chain(decoded.dead_letters.iter().map(|letter| letter.position.index)).collect();
        indexes.sort_unstable();
        prop_assert_eq!(indexes, (0..all as i32).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_written_is_read(
        (source, tx_id, name, remittance) in (id(), word(), word(), word()),
        (whole, cents, ms) in (0_u64..1_000_000_000_000, 0_u32..100, 0_i64..7_258_118_400_000),
        (account, agent) in ("[A-Z0-9]{1,30}", "[A-Z]{6}[A-Z0-9]{2}"),
        (number, escaped, extra) in (any::<bool>(), any::<bool>(), word()),
    ) {
        let plain = format!("{whole}.{cents:02}");
        let mut sent = serde_json::json!({
            "type": "credit_transfer", "tx_id": tx_id, "source": source, "time": mareva_model::format_time(ms),
            "amount": plain, "currency": "EUR", "remittance": remittance, "unknown": {"deep": [extra]},
            "originator": {"account": account, "agent": agent, "name": name}, "beneficiary": {"account": "1"},
        });
        if number {
            sent["amount"] = plain.parse::<serde_json::Number>().unwrap().into();
            sent["time"] = ms.into();
        }
        let mut payload = serde_json::to_string(&sent).unwrap();
        if escaped {
            payload = payload
                .chars()
                .map(|c| if c.is_ascii() { c.to_string() } else {
                    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
                })
                .collect();
        }
        let decoded = decode(Stream::Bank, payload.as_bytes());
        prop_assert_eq!(decoded.batch.len(), 1, "{:?}", decoded.dead_letters);
        prop_assert_eq!(text(&decoded, 0, Text::RowId), Some(format!("{source}:{tx_id}")));
        prop_assert_eq!(text(&decoded, 0, Text::OriginatorName), Some(name));
        prop_assert_eq!(text(&decoded, 0, Text::Remittance), Some(remittance));
        prop_assert_eq!(
            text(&decoded, 0, Text::Originator),
            Some(mareva_model::identifier::account(&account, Some(&agent)).canonical)
        );
        prop_assert_eq!(decoded.batch.event_time().value(0), ms);
        let units = (i128::from(whole) * 100 + i128::from(cents)) * UNIT / 100;
        prop_assert_eq!(amount(&decoded, 0, column::AMOUNT), Some(units));
    }

    #[test]
    fn any_bytes_give_a_row_or_a_dead_letter(bytes in proptest::collection::vec(any::<u8>(), 0..300), exchange: bool) {
        decode(if exchange { Stream::Exchange } else { Stream::Bank }, &bytes);
    }

    #[test]
    fn damaged_records_give_a_row_or_a_dead_letter(
        pick in 0_usize..14,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_usize..40), 1..6),
    ) {
        let (stream, file) = [
            (Stream::Bank, "pacs008.xml"),
            (Stream::Bank, "pacs009.xml"),
            (Stream::Bank, "pacs004.xml"),
            (Stream::Bank, "pacs002.xml"),
            (Stream::Bank, "pain001.xml"),
            (Stream::Bank, "camt056.xml"),
            (Stream::Bank, "camt110.xml"),
            (Stream::Bank, "mt103.txt"),
            (Stream::Bank, "mt202cov.txt"),
            (Stream::Bank, "mt192.txt"),
            (Stream::Bank, "bank.credit_transfer.json"),
            (Stream::Bank, "bank.return.json"),
            (Stream::Exchange, "exchange.deposit.json"),
            (Stream::Exchange, "exchange.token_transfer.json"),
        ][pick];
        let mut payload = example(file);
        for (at, byte, length) in cuts {
            let at = at.index(payload.len());
            let end = (at + length).min(payload.len());
            payload.splice(at..end, [byte]);
        }
        decode(stream, &payload);
    }
}
