//! Samples between two real images of a class, by the codes of an autoencoder.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::autoencoder::BLUR;
use super::config::GanConfig;
use super::generator::Generator;
use super::source::{calibrate_by, check_requests, in_chunks, render};
use super::tensor_file::{Kind, TensorFile, refused};
use crate::error::{Error, ErrorKind, Result};
use crate::image::Image;
use crate::nn::Params;
use crate::rng::Purpose;
use crate::synthetic::{SyntheticRequest, SyntheticSource};

/// From how many nearest images of the class the other end is drawn.
const NEIGHBOURS: usize = 5;

/// Makes synthetic images between two real ones: the decoder's image of a code on the line from that of a random image of the
/// class to that of one of its five nearest (N. Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", 2002, in
/// the codes of an autoencoder as D. Dablain et al., "DeepSMOTE: Fusing Deep Learning and SMOTE for Imbalanced Data", 2022).
///
/// Needs no adversary, so it cannot fail as a GAN can; its samples vary less. Each image depends on its own request alone.
#[derive(Debug)]
pub struct InterpolationSource {
    config: GanConfig,
    device: Device,
    decoder: Generator,
    /// The decoder's.
    params: Params,
    classes: Vec<Codes>,
}

/// What its files are.
const KIND: Kind = Kind { key: "candle-augment-interpolation", name: "an interpolation", writer: "`gate`", version: 1 };
const DECODER: &str = "decoder.";

/// The header of such a file, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    version: u32,
    config: GanConfig,
}

/// The codes of a class's images, and for each the nearest others.
#[derive(Debug)]
struct Codes {
    codes: Vec<Vec<f32>>,
    nearest: Vec<Vec<usize>>,
}

impl Codes {
    fn new(codes: Vec<Vec<f32>>) -> Self {
        let nearest = |(i, code): (usize, &Vec<f32>)| {
            let others = codes.iter().enumerate().filter(|(j, _)| *j != i);
            let mut others: Vec<(f64, usize)> = others.map(|(j, other)| (distance(code, other), j)).collect();
            if others.len() > NEIGHBOURS {
                others.select_nth_unstable_by(NEIGHBOURS, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                others.truncate(NEIGHBOURS);
            }
            others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            others.into_iter().map(|(_, j)| j).collect()
        };
        let nearest = codes.par_iter().enumerate().map(nearest).collect();
        Self { codes, nearest }
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

impl InterpolationSource {
    /// A copy of the decoder, and the codes of each class.
    pub(super) fn new(
        config: &GanConfig,
        decoder: &Params,
        codes: Vec<Vec<Vec<f32>>>,
        device: &Device,
    ) -> Result<Self> {
        if codes.iter().all(Vec::is_empty) {
            return Err(Error::config("no image to interpolate: give batches that have some"));
        }
        let mut params = Params::blank(device);
        let mut generator = Generator::new(&mut params, config)?;
        params.copy_from(decoder)?;
        generator.prepare()?;
        // The statistics of what it was trained on: codes with noise, here half of each.
        let labelled = codes.iter().zip(0u32..).flat_map(|(codes, label)| codes.iter().map(move |code| (code, label)));
        let (values, labels): (Vec<&Vec<f32>>, Vec<u32>) = labelled.unzip();
        let scale = (1.0 - BLUR * BLUR).sqrt() as f32;
        let values: Vec<f32> = values.into_iter().flatten().map(|value| value * scale).collect();
        calibrate_by(&generator, config, device, &values, &labels)?;
        let classes = codes.into_iter().map(Codes::new).collect();
        Ok(Self { config: config.clone(), device: device.clone(), decoder: generator, params, classes })
    }

    /// Whether [`InterpolationSource::save`] wrote the file.
    pub(crate) fn is_in(path: &Path) -> bool {
        TensorFile::is_kind(path, &KIND)
    }

    /// Reads what [`InterpolationSource::save`] wrote, onto the CPU.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be read;
    /// [`ErrorKind::Checkpoint`](crate::ErrorKind::Checkpoint) if it is not such a file, or is damaged.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let TensorFile { description, tensors } = TensorFile::read(path, &KIND)?;
        let load = || {
            let description: Description = serde_json::from_value(description)
                .map_err(|error| refused(&format!("its configuration is damaged: {error}: make it anew")))?;
            let config = description.config;
            config.validate().map_err(|error| refused(error.message()))?;
            let codes = (0..config.classes.len()).map(|class| codes(&tensors, class, config.latent));
            let classes = codes.map(|codes| Ok(Codes::new(codes?))).collect::<Result<_>>()?;
            let mut params = Params::blank(&Device::Cpu);
            let mut decoder = Generator::new(&mut params, &config)?;
            params.load(&tensors, DECODER)?;
            decoder.prepare()?;
            Ok(Self { config, device: Device::Cpu, decoder, params, classes })
        };
        load().map_err(|error: Error| error.with_path(path))
    }

    /// Writes everything that makes the samples, whole or not at all: about as many bytes as the generator's weights, and
    /// four for each number of each image's code.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let description = serde_json::to_value(Description { version: KIND.version, config: self.config.clone() })
            .map_err(|error| refused(&format!("its configuration cannot be written: {error}")).with_path(path))?;
        let named = self.params.tensors().map(|(name, var)| (format!("{DECODER}{name}"), var.as_detached_tensor()));
        let mut tensors: Vec<(String, Tensor)> = named.collect();
        for (class, Codes { codes, .. }) in self.classes.iter().enumerate() {
            let codes = Tensor::from_vec(codes.concat(), (codes.len(), self.config.latent), &Device::Cpu)?;
            tensors.push((codes_name(class), codes));
        }
        TensorFile::write(path, &KIND, &description, &tensors)
    }

    /// The code of a request.
    fn code(&self, request: &SyntheticRequest) -> Vec<f32> {
        let Codes { codes, nearest } = &self.classes[request.label as usize];
        let mut rng = request.key.with_purpose(Purpose::Synthetic).rng();
        let first = rng.below(codes.len());
        let scale = (1.0 - BLUR * BLUR).sqrt() as f32;
        let Some(&second) = nearest[first].get(rng.below(nearest[first].len().max(1))) else {
            return codes[first].iter().map(|value| value * scale).collect();
        };
        let share = rng.uniform(0.0, 1.0) as f32;
        codes[first].iter().zip(&codes[second]).map(|(a, b)| (a + share * (b - a)) * scale).collect()
    }
}

fn codes_name(class: usize) -> String {
    format!("codes.{class}")
}

/// The codes of a class.
fn codes(tensors: &HashMap<String, Tensor>, class: usize, latent: usize) -> Result<Vec<Vec<f32>>> {
    let name = codes_name(class);
    match tensors.get(&name) {
        Some(codes) if matches!(codes.dims(), [_, length] if *length == latent) => Ok(codes.to_vec2()?),
        _ => Err(refused(&format!("expected the tensor {name:?} with codes of {latent} numbers: make it anew"))),
    }
}

impl SyntheticSource for InterpolationSource {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        check_requests(requests, self.classes.len())?;
        if let Some(request) = requests.iter().find(|request| self.classes[request.label as usize].codes.is_empty()) {
            let name = &self.config.classes[request.label as usize];
            let message =
                format!("class {name:?} was asked for, which had no image to interpolate: give it no samples");
            return Err(Error::new(ErrorKind::Synthetic, message).with_key(request.key));
        }
        let draw = |requests: &[SyntheticRequest]| {
            let codes = requests.iter().flat_map(|request| self.code(request)).collect();
            render(&self.decoder, &self.config, &self.device, codes, requests)
        };
        in_chunks(requests, &self.device, draw)
    }

    fn classes(&self) -> &[String] {
        &self.config.classes
    }
}
