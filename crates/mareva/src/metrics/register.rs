//! How metrics are made and registered; their names stand in the module above.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use mareva_kafka::Histogram;
use prometheus::core::{Collector, Desc};
use prometheus::proto::{self, MetricFamily, MetricType};
use prometheus::{Counter, Gauge, GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Upper bounds of the classes of [`Histogram`], milliseconds; a test compares them.
pub(super) const CLASSES_MS: [u64; 22] =
    [1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000, 10_000, 30_000];

/// Makes and registers.
pub(super) struct Make<'r>(pub(super) &'r Registry);

impl Make<'_> {
    fn add<C: Collector + Clone + 'static>(&self, metric: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    pub(super) fn count(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.add(IntCounter::new(name, help)?)
    }

    pub(super) fn counts(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn duration(&self, name: &str, help: &str) -> Result<Counter, prometheus::Error> {
        self.add(Counter::new(name, help)?)
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.add(IntGauge::new(name, help)?)
    }

    pub(super) fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.add(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn seconds(&self, name: &str, help: &str) -> Result<Gauge, prometheus::Error> {
        self.add(Gauge::new(name, help)?)
    }

    pub(super) fn times(&self, name: &str, help: &str, labels: &[&str]) -> Result<GaugeVec, prometheus::Error> {
        self.add(GaugeVec::new(Opts::new(name, help), labels)?)
    }

    pub(super) fn millis(&self, name: &str, help: &str) -> Result<Millis, prometheus::Error> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        self.add(Millis { desc, values: Arc::default() })
    }
}

/// A library's histogram in milliseconds, shown in seconds.
#[derive(Clone)]
pub(super) struct Millis {
    desc: Desc,
    values: Arc<Mutex<Histogram>>,
}

impl Millis {
    pub(super) fn set(&self, histogram: &Histogram) {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).clone_from(histogram);
    }
}

impl Collector for Millis {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = 0;
        let bucket = |(bound, count): (&u64, &u64)| {
            seen += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound as f64 / 1e3);
            bucket.set_cumulative_count(seen);
            bucket
        };
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(CLASSES_MS.iter().zip(&values.counts).map(bucket).collect());
        histogram.set_sample_count(values.count());
        histogram.set_sample_sum(values.sum as f64 / 1e3);
        let mut metric = proto::Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

/// Brings a counter up to a total that was counted elsewhere.
pub(super) trait Advance<T> {
    fn advance(&self, total: T);
}

impl Advance<f64> for Counter {
    fn advance(&self, total: f64) {
        self.inc_by((total - self.get()).max(0.0));
    }
}

impl Advance<u64> for IntCounter {
    fn advance(&self, total: u64) {
        self.inc_by(total.saturating_sub(self.get()));
    }
}
