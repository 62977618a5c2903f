//! The tables of what pictures there are.

use super::Table;

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "datasets",
        meaning: "a named set of pictures that was added",
        like: &[],
        columns: &[
            (
                "name",
                "the catalogue's name (rain100l), or the name that the user gave",
            ),
            ("added_at", "when it was first added"),
        ],
    },
    Table {
        name: "splits",
        meaning: "a part of a dataset, such as train or test",
        like: &[],
        columns: &[
            ("dataset_id", "the dataset (datasets.id)"),
            ("name", "train, test, or another name of the dataset's own"),
            (
                "official",
                "how many pairs the dataset's paper states; NULL for pictures of one's own",
            ),
        ],
    },
    Table {
        name: "sources",
        meaning: "one split in one layout at one place; of two places with a pair of one name the more complete one's is used",
        like: &[],
        columns: &[
            ("split_id", "the split (splits.id)"),
            ("layout", "the way in which its files lie on disk"),
            ("root", "its folder, as an absolute path"),
            (
                "found",
                "pairs, or pictures where the dataset has no references: what is held against the official count",
            ),
            ("scanned_at", "when the folder was last looked through"),
        ],
    },
    Table {
        name: "pictures",
        meaning: "a file; it is unchanged while size and mtime_ns are",
        like: &[],
        columns: &[
            ("path", "its absolute path"),
            ("size", "bytes"),
            (
                "mtime_ns",
                "the file's own time of change, in nanoseconds since the Unix epoch",
            ),
            ("width", "pixels, the EXIF orientation applied"),
            ("height", "pixels, the EXIF orientation applied"),
            (
                "blake3",
                "of the file's bytes, in hex; NULL until something had to read them all",
            ),
            ("checked_at", "when `data verify` last read it; NULL: never"),
            ("fault", "what `data verify` found wrong; NULL: nothing"),
        ],
    },
    Table {
        name: "members",
        meaning: "a picture of a source, widows included",
        like: &[],
        columns: &[
            ("picture_id", "the picture (pictures.id)"),
            ("role", "clean or degraded"),
        ],
    },
    Table {
        name: "pairs",
        meaning: "a clean picture and its degraded partner",
        like: &[],
        columns: &[
            ("name", "by which the two met: unique in its source"),
            ("clean_id", "the clean picture (pictures.id)"),
            (
                "degraded_id",
                "the degraded picture (pictures.id); NULL where the program makes it",
            ),
            (
                "border",
                "pixels to cut from each side of the clean picture so that it fits the degraded one",
            ),
        ],
    },
    Table {
        name: "problems",
        meaning: "what the last scan of a source could not use, or found wrong",
        like: &[],
        columns: &[
            ("kind", "widow, duplicate, unreadable, odd-size, decoy or stray"),
            ("text", "what is wrong with which files"),
        ],
    },
];
