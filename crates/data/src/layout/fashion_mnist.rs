//! Fashion-MNIST (Xiao et al. 2017): MNIST's file names and format with other pictures and classes,
//! so it is told from MNIST by the word `fashion` in the folder's name.

use super::{
    super::{DataError, Dataset, Options, listing::DataPath},
    Layout, idx,
};
use crate::base::registry::Entry;

pub(super) const ENTRY: Entry<dyn Layout> = Entry {
    id: "fashion-mnist",
    summary: "Fashion-MNIST: MNIST's IDX files in a folder with `fashion` in its name",
    cite: "xiao2017fashion",
    params: &[idx::SPLIT],
    build: |args| Ok(Box::new(Fashion(idx::Idx::new(args)))),
};

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
];

struct Fashion(idx::Idx);

impl Layout for Fashion {
    fn detect(&self, place: &DataPath) -> bool {
        place.is_folder && place.name.to_lowercase().contains("fashion") && self.0.detect(place)
    }

    fn open(&self, place: &DataPath, options: &Options) -> Result<Box<dyn Dataset>, DataError> {
        let mut set = self.0.read(place, options)?;
        set.classes = Some(CLASSES.map(str::to_owned).to_vec());
        Ok(Box::new(set))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Folder, open, rows};

    #[test]
    fn the_name_of_the_folder_gives_the_names_of_the_classes() {
        let folder = Folder::new();
        for name in ["Fashion-MNIST", "mnist"] {
            let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 51, 255, 0];
            folder.file(&format!("{name}/t10k-images-idx3-ubyte"), images);
            folder.file(&format!("{name}/t10k-labels-idx1-ubyte"), [0, 0, 8, 1, 0, 0, 0, 2, 9, 0]);
        }
        let set = open(&folder.child("Fashion-MNIST"), "").unwrap();
        assert_eq!(rows(&*set)[0], ("t10k/00000".to_owned(), Some(9)));
        assert_eq!(set.classes().unwrap()[9], "ankle boot");
        assert_eq!(set.item(0).unwrap().image.data, [0.0, 0.2]);
        assert_eq!(open(&folder.child("mnist"), "").unwrap().classes(), None);
        let told = open(&folder.child("mnist"), "fashion-mnist").unwrap();
        assert_eq!(told.classes().unwrap().len(), 10);
    }
}
