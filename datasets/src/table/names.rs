//! What the columns, targets and classes of a table are called.

use std::sync::Arc;

use crate::{Table, Targets};

/// Names of features, and of targets or classes; empty where there are none.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    features: Arc<Vec<String>>,
    /// Of the columns of targets, or of the classes.
    targets: Arc<Vec<String>>,
}

impl Names {
    /// The names of the targets, where the features are others.
    pub(super) fn targets_alone(&self) -> Self {
        Self { features: Arc::default(), targets: self.targets.clone() }
    }
}

fn owned<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Arc<Vec<String>> {
    Arc::new(names.into_iter().map(Into::into).collect())
}

impl<Y: Targets> Table<Y> {
    /// What the columns of the inputs are called; empty if they have no names.
    ///
    /// # Example
    /// ```
    /// assert_eq!(fanin_datasets::iris().feature_names()[0], "sepal length (cm)");
    /// ```
    pub fn feature_names(&self) -> &[String] {
        &self.names.features
    }

    /// The same table whose columns are called so.
    ///
    /// # Panics
    /// **Panics** if there is not one name for each column.
    #[must_use]
    #[track_caller]
    pub fn with_feature_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        self.names.features = owned(names);
        let (found, features) = (self.names.features.len(), self.features());
        if found != features {
            panic!("with_feature_names: {found} names for {features} columns");
        }
        self
    }
}

impl Table {
    /// What the columns of the targets are called; empty if they have no names.
    pub fn target_names(&self) -> &[String] {
        &self.names.targets
    }

    /// The same table whose targets are called so.
    ///
    /// # Panics
    /// **Panics** if there is not one name for each column of the targets.
    ///
    /// # Example
    /// ```
    /// use fanin_datasets::{Table, Tensor};
    ///
    /// let table = Table::from_tensors(Tensor::ones([2, 3]), Tensor::ones(2));
    /// assert_eq!(table.with_target_names(["price"]).target_names(), ["price"]);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn with_target_names<S: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        self.names.targets = owned(names);
        let (found, columns) =
            (self.names.targets.len(), self.targets().shape()[1..].iter().product());
        if found != columns {
            panic!("with_target_names: {found} names for {columns} columns of targets");
        }
        self
    }
}

impl Table<Vec<usize>> {
    /// What the classes are called, in the order of their labels; empty if they have no names.
    ///
    /// # Example
    /// ```
    /// let iris = fanin_datasets::iris();
    /// assert_eq!(iris.class_names()[iris.labels()[0]], "setosa");
    /// ```
    pub fn class_names(&self) -> &[String] {
        &self.names.targets
    }

    /// The same table whose classes are called so. There may be classes that no row has.
    ///
    /// # Panics
    /// **Panics** if a label has no name.
    #[must_use]
    #[track_caller]
    pub fn with_class_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names.targets = owned(names);
        let found = self.names.targets.len();
        if let Some(label) = self.labels().iter().find(|&&label| label >= found) {
            panic!("with_class_names: {found} names, but a row has the label {label}");
        }
        self
    }
}
