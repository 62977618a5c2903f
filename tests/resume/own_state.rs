//! Networks whose training keeps more than weights: AirNet's queue, InstructIR's sentences.

use perceive_model::weights::{Array, Checkpoint};

use crate::support::{Desk, equal, mini::LONG};

/// `long` on another network, for a few steps.
fn experiment(network: &str, more: &str) -> String {
    LONG.replace("network = \"restormer\"", &format!("network = \"{network}\"\n{more}"))
        .replace("steps = 160", "steps = 6")
}

#[track_caller]
fn stops_and_goes_on(text: &str, prepare: impl Fn(&Desk)) -> Desk {
    let (calm, disturbed) = (Desk::with(text), Desk::with(text));
    prepare(&calm);
    prepare(&disturbed);
    calm.run(&["run", "long"]).fine();
    disturbed.run(&["run", "long", "--step-limit", "2"]).fails(75, &[]);
    disturbed.run(&["run", "long", "--step-limit", "2"]).fails(75, &[]);
    disturbed.run(&["run", "long"]).fine();
    equal::same(&calm, &disturbed);
    calm
}

#[test]
fn airnets_queue_goes_on_where_it_was() {
    let text = experiment("airnet", "").replace(
        "loss = { contrastive = 0.0,",
        "loss = { contrastive = 0.1, contrastive_negatives = \"queue\",",
    );
    let desk = stops_and_goes_on(&text, |_| ());
    let told = desk.ask("SELECT DISTINCT name FROM series WHERE name = 'contrastive'");
    assert_eq!(told, ["contrastive"]);
}

#[test]
fn instructir_follows_the_sentences_that_were_imported_and_keeps_them() {
    let text = experiment("instructir", "instructions = \"mine\"");
    let sentences = |desk: &Desk| {
        let data = (0..2 * 384).map(|at| (at as f32 * 0.1).sin() * 0.05).collect();
        let array = Array {
            shape: vec![2, 384],
            data,
        };
        let mut file = Checkpoint::default();
        file.tensors.insert("noise".into(), array);
        file.write(desk.path("mine.safetensors")).unwrap();
        desk.run(&[
            "weights",
            "import",
            "instructions",
            &desk.arg("mine.safetensors"),
            "--name",
            "mine",
        ])
        .fine();
        file
    };
    Desk::with(&text)
        .run(&["run", "long"])
        .fails(6, &["mine", "weights import instructions"]);
    let desk = stops_and_goes_on(&text, |desk| drop(sentences(desk)));
    let model = desk.artefacts("restore").remove(0).join("model.safetensors");
    let kept = Checkpoint::read(model).unwrap();
    assert_eq!(kept.tensors["sentences"].data, sentences(&desk).tensors["noise"].data);

    desk.plant("in/one.png", 24, 16);
    let restore = |degradation: &str| {
        let (input, output) = (desk.arg("in"), desk.arg("out"));
        desk.run(&[
            "restore",
            &input,
            "-o",
            &output,
            "--model",
            "long",
            "--degradation",
            degradation,
        ])
    };
    restore("nois25").fails(4, &["nois25", "did you mean 'noise25'?"]);
    restore("noise25").fine();
}
