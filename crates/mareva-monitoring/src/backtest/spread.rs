//! `STDDEV` and `VAR` from exact sums of decimals, in the place of those of stock DataFusion. These take values out of a running
//! deviation as floats: after a large one, what is left is wrong in the first digit, or below zero and its root no number.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Field, FieldRef, Float64Type, Int8Type,
    UInt64Type,
};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use datafusion::prelude::SessionContext;

use crate::aggregate::Moments;

/// Decimal places of an argument that the rule itself made a float of: deviations are of decimals with six at most.
const FLOAT_SCALE: i8 = 6;

/// Names as stock DataFusion has them, further names, whether of a population, whether the root.
const SPREADS: [(&str, &[&str], bool, bool); 4] = [
    ("stddev", &["stddev_samp"], false, true),
    ("stddev_pop", &[], true, true),
    ("var", &["var_sample", "var_samp"], false, false),
    ("var_pop", &["var_population"], true, false),
];

/// Puts them into a session.
pub(super) fn register(context: &SessionContext) {
    for (name, aliases, population, root) in SPREADS {
        let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        let signature = Signature::any(1, Volatility::Immutable);
        context.register_udaf(AggregateUDF::from(Spread { name, aliases, signature, population, root }));
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Spread {
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
    population: bool,
    root: bool,
}

impl AggregateUDFImpl for Spread {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let wide = || DataType::Decimal256(DECIMAL256_MAX_PRECISION, 0);
        let kinds = [("count", DataType::UInt64), ("sum", wide()), ("squares", wide()), ("scale", DataType::Int8)];
        Ok(kinds
            .into_iter()
            .map(|(part, kind)| Arc::new(Field::new(format!("{}[{part}]", args.name), kind, true)))
            .collect())
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let (population, root) = (self.population, self.root);
        Ok(Box::new(Sums { moments: Moments::default(), scale: FLOAT_SCALE, population, root }))
    }
}

#[derive(Debug)]
struct Sums {
    moments: Moments,
    /// Of all values.
    scale: i8,
    population: bool,
    root: bool,
}

impl Sums {
    fn each(&mut self, values: &[ArrayRef], take: fn(&mut Moments, i128)) -> Result<()> {
        let [values] = values else { return Err(DataFusionError::Plan("one argument is expected".to_owned())) };
        match values.data_type() {
            DataType::Decimal128(_, scale) => {
                self.scale = *scale;
                values
                    .as_primitive::<Decimal128Type>()
                    .iter()
                    .flatten()
                    .for_each(|value| take(&mut self.moments, value));
            }
            DataType::Float64 => {
                let unit = 10_f64.powi(i32::from(FLOAT_SCALE));
                let whole =
                    values.as_primitive::<Float64Type>().iter().flatten().map(|value| (value * unit).round() as i128);
                whole.for_each(|value| take(&mut self.moments, value));
            }
            DataType::Null => {}
            other => return Err(DataFusionError::Plan(format!("the deviation of {other} is not supported"))),
        }
        Ok(())
    }
}

impl Accumulator for Sums {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, Moments::add)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, Moments::remove)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Float64(self.moments.spread(self.population, self.root, self.scale)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Moments { sum, squares, count } = self.moments;
        let wide = |value| ScalarValue::Decimal256(Some(value), DECIMAL256_MAX_PRECISION, 0);
        Ok(vec![ScalarValue::UInt64(Some(count)), wide(sum), wide(squares), ScalarValue::Int8(Some(self.scale))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums, squares, scales] = states else {
            return Err(DataFusionError::Internal("a deviation has four parts".to_owned()));
        };
        let (counts, scales) = (counts.as_primitive::<UInt64Type>(), scales.as_primitive::<Int8Type>());
        let (sums, squares) = (sums.as_primitive::<Decimal256Type>(), squares.as_primitive::<Decimal256Type>());
        for row in (0..counts.len()).filter(|row| counts.value(*row) > 0) {
            self.moments.count += counts.value(row);
            self.moments.sum = self.moments.sum.wrapping_add(sums.value(row));
            self.moments.squares = self.moments.squares.wrapping_add(squares.value(row));
            self.scale = scales.value(row);
        }
        Ok(())
    }
}
