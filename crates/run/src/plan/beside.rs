//! Another model on the same pictures.

use super::{Choices, Plan, PlanError, load_model};
use crate::{embedded::BuiltIn, memory, nn::preprocess::Settings, stop::Stop};
use std::{path::Path, sync::Arc};

impl Plan {
    /// The same for another model: pictures, labels, methods and protocol are those of this plan, the preprocessing is
    /// its own. Heat maps from files stay with the model that they were made for.
    pub fn beside(
        &self,
        model: &str,
        preprocess: Option<Settings>,
        stop: &Stop,
    ) -> Result<Plan, PlanError> {
        let mut config = self.config.clone();
        model.clone_into(&mut config.model);
        config.preprocess = preprocess.unwrap_or_default();
        config.heatmaps.clear();
        // the pictures are chosen already
        config.select.clear();
        config.images = None;
        let choices = Choices::of(&mut config)?;
        if BuiltIn::of_model(model).is_none() {
            memory::admit(Path::new(model))?;
        }
        let network = load_model(model, config.preprocess.clone())?;
        let plan = Plan::assemble(config, choices, network, Arc::clone(&self.data), stop)?;
        Ok(Plan { images: self.images.clone(), selection: self.selection.clone(), ..plan })
    }
}
