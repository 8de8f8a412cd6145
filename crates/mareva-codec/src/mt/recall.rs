//! MT192 and MT292 as rows: requests for the cancellation of a payment of a customer and of one between institutions.

use mareva_model::{INSTITUTION, Kind, Status, Text, TransactionRow};

use super::row::{add, set_texts, settled, sides};
use super::{Field, Message, joined, required, single, time};
use crate::amount::ReadAmount;
use crate::fault::Fault;
use crate::row::{Context, NO_CURRENCY, RECALL, gravity, write_uetr};

/// Appends the row of a recall. Behind its own fields it may copy those of the payment, all or some.
pub(super) fn append(message: &Message<'_>, context: Context<'_, '_>) -> Result<(), Fault> {
    let Context { limits, record, scratch, collected } = context;
    // The copy may have a reference of its own.
    let copy_from = message.fields.iter().skip(1).position(|field| field.number() == "20");
    let copied = message.fields.iter().position(|field| is_of_payment(field));
    let end = [copy_from.map(|at| at + 1), copied].into_iter().flatten().min().unwrap_or(message.fields.len());
    let (own, copy) = message.fields.split_at(end);
    let reference = limits.required("field 20", Some(required(own, "20")?.value.trim()))?;
    let related = limits.required("field 21", Some(required(own, "21")?.value.trim()))?;
    let settled = single(copy, "32")?.map(|field| settled(&field)).transpose()?;
    let amount = settled.as_ref().map(|one| ReadAmount::plain("field 32A", one.amount.as_str())).transpose()?;
    let sides = sides(message, copy, false)?;
    scratch.clear();
    sides.write(scratch);
    scratch.source.push_str(message.source());
    scratch.row_id.extend([RECALL, ":", message.source(), ":", reference]);
    if let Some(uetr) = message.uetr {
        write_uetr(&mut scratch.uetr, uetr);
    }
    if is_of_institutions(message, own) {
        scratch.original.extend([INSTITUTION, ":"]);
    }
    match scratch.uetr.as_str() {
        "" => scratch.original.extend([message.source(), ":", related]),
        uetr => scratch.original.extend(["uetr:", uetr]),
    }
    let narrative = own.iter().find(|field| field.number() == "79");
    if let Some(field) = narrative {
        scratch.remittance.push_str(&joined(field));
    }
    let scratch = &*scratch;
    let mut row = TransactionRow::new(time::of_row(message.sent, record.append_time));
    row.set(Text::Kind, Kind::Recall.as_str());
    row.set(Text::Status, Status::Pending.as_str());
    row.set(Text::MsgId, reference);
    row.set(Text::InstrId, related);
    row.set(Text::Purpose, narrative.and_then(reason));
    match (&settled, &amount) {
        (Some(settled), Some(amount)) => settled.set(amount, &mut row),
        _ => row.set(Text::Currency, NO_CURRENCY),
    }
    set_texts(message, scratch, &mut row);
    row.set(Text::Remittance, limits.remittance(Some(scratch.remittance.as_str()))?);
    sides.set(&mut row);
    add(message, row, record, scratch, collected);
    Ok(())
}

/// Whether a field is one of a payment, not of the recall of one.
fn is_of_payment(field: &Field<'_>) -> bool {
    !matches!(field.number(), "20" | "21" | "11" | "79")
}

/// Field 11S says what message was sent; else the recall's own type does.
fn is_of_institutions(message: &Message<'_>, own: &[Field<'_>]) -> bool {
    let sent = own.iter().find(|field| field.tag == "11S").and_then(|field| field.value.get(..3));
    match sent {
        Some(number) => matches!(number, "202" | "205"),
        None => message.name == "MT292",
    }
}

/// The code of the reason, which stands in slashes at the start of a line; of several the gravest.
fn reason<'a>(narrative: &Field<'a>) -> Option<&'a str> {
    let codes = narrative.lines().filter_map(|line| line.strip_prefix('/')?.split_once('/')).map(|(code, _)| code);
    let is_code = |code: &&str| code.len() == 4 && code.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    codes.filter(is_code).min_by_key(|code| gravity(code))
}
