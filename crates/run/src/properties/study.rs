//! The study of properties: all methods, and all points of the sweeps, on each picture.

use super::{
    Sweeps, row,
    sweep::Sweep,
    tables::{LayerRow, PointRow, PropertyRow},
};
use crate::{
    base::registry::Named,
    curves::used,
    event::Event,
    explain::{Case, Explainer},
    manifest::{Counts, Outcome},
    output::Output,
    plan::{Plan, PlanError},
    runner::RunError,
    spread::spread,
    study::{Done, Entry, Gathered, PartFile, Study, Work, begun::Begun, whole},
    subject::Subject,
    table::{Column, Table, TableError, record::Record},
};
use std::{collections::BTreeMap, path::Path};

/// In the table of studies.
pub const ENTRY: Entry = Entry {
    name: "properties",
    files: &[LAYERS, SWEEPS, PROPERTIES],
    build: |plan, _| Ok(Box::new(Properties::new(plan)?)),
};

const LAYERS: PartFile = PartFile::of::<LayerRow>("parts", "layers", true);
const SWEEPS: PartFile = PartFile::of::<PointRow>("parts", "sweeps", true);
const PROPERTIES: PartFile = PartFile::of::<PropertyRow>("parts", "properties", true);

/// The properties of the methods of a plan.
pub struct Properties<'p> {
    plan: &'p Plan,
    sweeps: Sweeps,
}

/// All that was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// One row per picture and method.
    pub rows: Vec<PropertyRow>,
    /// One row per picture, method and layer.
    pub layers: Vec<LayerRow>,
    /// One row per picture and point of a sweep.
    pub sweeps: Vec<PointRow>,
}

impl Measured {
    /// The tables in a folder of results.
    pub fn read(folder: &Path) -> Result<Measured, TableError> {
        let path = |name: &str| folder.join(format!("{name}.parquet"));
        Ok(Measured {
            rows: PropertyRow::read(&path("properties"))?,
            layers: LayerRow::read(&path("layers"))?,
            sweeps: PointRow::read(&path("sweeps"))?,
        })
    }
}

impl<'p> Properties<'p> {
    /// The study of a plan.
    pub fn new(plan: &'p Plan) -> Result<Properties<'p>, PlanError> {
        Ok(Properties { plan, sweeps: Sweeps::new()? })
    }
}

impl Study for Properties<'_> {
    fn entry(&self) -> &'static Entry {
        &ENTRY
    }

    fn plan(&self) -> &Plan {
        self.plan
    }

    fn begins(&self, pictures: usize, finished: usize) -> Event {
        let explanations = self.plan.methods.len() + self.sweeps.len();
        Event::Explaining { pictures, finished, explanations }
    }

    fn picture(&self, subject: Subject, work: &Work<'_>) -> Option<Done> {
        let (plan, kept) = (self.plan, Kept::of(work.begun));
        let case = subject.case(plan);
        let one = |method: &Named<dyn Explainer>| kept.method(method, &case, work);
        let jobs = plan.methods.len() + self.sweeps.each().len();
        let rows = spread(plan, jobs).over(&plan.methods, one)?;
        let one = |sweep: &Sweep| kept.sweep(sweep, &case, work);
        let points = spread(plan, jobs).over(self.sweeps.each(), one)?;
        let (rows, layers): (Vec<PropertyRow>, Vec<Vec<LayerRow>>) = rows.into_iter().unzip();
        let tables = vec![
            LayerRow::table(&layers.concat()),
            PointRow::table(&points.concat()),
            PropertyRow::table(&rows),
        ];
        Some(Done { picture: used(plan, &subject), tables, unread: None })
    }

    fn any_failed(&self, output: &Output, part: usize) -> Result<bool, RunError> {
        let path = output.root().join(PROPERTIES.path(part));
        let reasons = Table::read_parquet(&path, Some(&["reason"]))?.take::<String>("reason");
        let reasons = reasons.map_err(|problem| TableError::Content { path, problem })?;
        Ok(reasons.iter().any(Option::is_some))
    }

    fn collect(&self, output: &Output, gathered: Gathered<'_>) -> Result<Outcome, RunError> {
        let about = [("model", &self.plan.model.name[..]), ("data", self.plan.data.name())];
        let failed = whole::<PropertyRow>(output, &gathered, &PROPERTIES, &about)?;
        let failed = (failed.len(), failed.iter().filter(|row| row.reason.is_some()).count());
        whole::<LayerRow>(output, &gathered, &LAYERS, &about)?;
        whole::<PointRow>(output, &gathered, &SWEEPS, &about)?;
        let (rows, failed) = failed;
        let counts = [("explanations", rows - failed), ("failed_explanations", failed)];
        Ok(Outcome::Other(Counts::of(gathered, counts)))
    }
}

/// What an earlier try has left of a picture.
struct Kept {
    methods: BTreeMap<String, PropertyRow>,
    /// With each method how many layers there are.
    layers: BTreeMap<String, Vec<LayerRow>>,
    counts: BTreeMap<String, u64>,
    sweeps: BTreeMap<&'static str, Vec<PointRow>>,
}

/// The column beside a property row that says how many layers belong to it.
const COUNT: &str = "layers";

fn kept_rows<R: Record>(begun: &Begun, kind: &str) -> Vec<R> {
    let tables = begun.read(kind).into_iter();
    tables.filter_map(|mut table| R::take(&mut table).ok()).flatten().collect()
}

impl Kept {
    fn of(begun: &Begun) -> Kept {
        let (mut methods, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for mut table in begun.read("properties") {
            let layers = table.take_all::<u64>(COUNT).unwrap_or_default();
            let rows = PropertyRow::take(&mut table).unwrap_or_default();
            for (row, layers) in rows.into_iter().zip(layers) {
                counts.insert(row.method.clone(), layers);
                methods.insert(row.method.clone(), row);
            }
        }
        let mut layers: BTreeMap<String, Vec<LayerRow>> = BTreeMap::new();
        for row in kept_rows::<LayerRow>(begun, "layers") {
            layers.entry(row.method.clone()).or_default().push(row);
        }
        let mut sweeps: BTreeMap<&'static str, Vec<PointRow>> = BTreeMap::new();
        for row in kept_rows::<PointRow>(begun, "sweeps") {
            sweeps.entry(row.parameter.name()).or_default().push(row);
        }
        Kept { methods, layers, counts, sweeps }
    }

    /// A method on the picture, kept or measured now; `None` when stopped.
    fn method(
        &self,
        method: &Named<dyn Explainer>,
        case: &Case<'_>,
        work: &Work<'_>,
    ) -> Option<(PropertyRow, Vec<LayerRow>)> {
        let layers = self.layers.get(&method.name).cloned().unwrap_or_default();
        let whole = self.counts.get(&method.name) == Some(&(layers.len() as u64));
        if let Some(row) = self.methods.get(&method.name).filter(|_| whole) {
            return Some((row.clone(), layers));
        }
        if work.is_over() {
            return None;
        }
        let measured = row(case, method);
        if let Err(reason) = &measured.found {
            let (image, method) = (measured.image.clone(), measured.method.clone());
            work.observer.on(&Event::Failed { image, method, reason: reason.clone() });
        }
        let (row, layers) = (PropertyRow::from(&measured), LayerRow::of(&measured));
        work.keep("layers", &LayerRow::table(&layers));
        let mut table = PropertyRow::table(std::slice::from_ref(&row));
        table.push(COUNT, Column::Integer(vec![Some(layers.len() as u64)]));
        work.keep("properties", &table);
        work.explained(&measured.image, 1);
        Some((row, layers))
    }

    /// A sweep on the picture, kept or measured now; `None` when stopped.
    fn sweep(&self, sweep: &Sweep, case: &Case<'_>, work: &Work<'_>) -> Option<Vec<PointRow>> {
        let kept = self.sweeps.get(sweep.parameter().name());
        if let Some(rows) = kept.filter(|rows| rows.len() == sweep.len()) {
            return Some(rows.clone());
        }
        if work.is_over() {
            return None;
        }
        let rows: Vec<PointRow> = sweep.rows(case).into_iter().map(PointRow::from).collect();
        work.keep("sweeps", &PointRow::table(&rows));
        // the points, and the limit
        work.explained(case.image, sweep.len() + 1);
        Some(rows)
    }
}
