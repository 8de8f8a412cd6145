use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMillisecondArray};
use datafusion::common::DFSchema;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::{Expr, SessionContext};

use super::cheaper;

/// Texts, times and conditions, known and unknown.
fn batch() -> RecordBatch {
    let times = [Some(1_767_607_200_000), None, Some(0), Some(951_782_400_000), Some(1_767_607_200_001)];
    let columns: [(&str, ArrayRef); 4] = [
        ("role", Arc::new(StringArray::from(vec![Some("psp"), None, Some("retail"), Some(""), Some("omnibus")]))),
        ("seen", Arc::new(TimestampMillisecondArray::from(times.to_vec()))),
        ("opened", Arc::new(TimestampMillisecondArray::from(times.iter().rev().copied().collect::<Vec<_>>()))),
        ("vasp", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true)]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn value(context: &SessionContext, expr: Expr, schema: &DFSchema, batch: &RecordBatch) -> ArrayRef {
    let simplify = SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build();
    let expr = ExprSimplifier::new(simplify).simplify(expr).unwrap();
    let physical = context.create_physical_expr(expr, schema).unwrap();
    physical.evaluate(batch).unwrap().into_array(batch.num_rows()).unwrap()
}

#[test]
fn a_cheaper_form_has_the_same_value_for_every_row() {
    let context = SessionContext::new();
    let batch = batch();
    let schema = DFSchema::try_from(batch.schema().as_ref().clone()).unwrap();
    for (sql, changes) in [
        ("opened > seen - INTERVAL '90' DAY", true),
        ("seen + INTERVAL '72' HOUR", true),
        ("seen - INTERVAL '1' DAY - INTERVAL '1' MILLISECOND", true),
        ("seen - INTERVAL '1' MONTH", false),
        ("COALESCE(role, 'retail') NOT IN ('psp', 'omnibus', 'internal', 'merchant')", true),
        ("COALESCE(role, 'psp') NOT IN ('psp', 'omnibus', 'internal', 'merchant')", true),
        ("COALESCE(role, 'retail') IN ('psp', 'omnibus', 'internal', 'merchant')", true),
        ("COALESCE(role, 'psp') IN ('psp', 'omnibus')", true),
        ("COALESCE(role, 'psp') IN ('psp', NULL)", false),
        ("role IN ('x', 'psp', 'y', upper(role), 'retail')", true),
        ("role NOT IN ('psp', upper(role))", true),
        ("role NOT IN (lower(role), NULL)", true),
        ("COALESCE(role, 'retail') <> 'omnibus'", false),
        ("NOT COALESCE(vasp, false)", true),
        ("COALESCE(vasp, true) AND role = 'psp'", true),
    ] {
        let expr = context.parse_sql_expr(sql, &schema).unwrap();
        let cheap = cheaper(expr.clone(), &schema).unwrap();
        assert_eq!(cheap != expr, changes, "{sql} became {cheap}");
        let before = value(&context, expr, &schema, &batch);
        assert_eq!(&value(&context, cheap, &schema, &batch), &before, "{sql}");
    }
}
