//! Samples between two real images of a class, by the codes of an autoencoder.

use candle_core::Device;
use rayon::prelude::*;

use super::autoencoder::BLUR;
use super::config::GanConfig;
use super::generator::Generator;
use super::source::{calibrate_by, check_requests, chunk, render};
use crate::error::{Error, Result};
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
    classes: Vec<Codes>,
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
        if let Some(class) = codes.iter().position(Vec::is_empty) {
            let name = &config.classes[class];
            return Err(Error::config(format!(
                "no image of class {name:?} to interpolate: give batches that hold every class"
            )));
        }
        let mut params = Params::blank(device);
        let generator = Generator::new(&mut params, config)?.frozen();
        params.copy_from(decoder)?;
        // The statistics of what it was trained on: codes with noise, here half of each.
        let labelled = codes.iter().zip(0u32..).flat_map(|(codes, label)| codes.iter().map(move |code| (code, label)));
        let (values, labels): (Vec<&Vec<f32>>, Vec<u32>) = labelled.unzip();
        let scale = (1.0 - BLUR * BLUR).sqrt() as f32;
        let values: Vec<f32> = values.into_iter().flatten().map(|value| value * scale).collect();
        calibrate_by(&generator, config, device, &values, &labels)?;
        let classes = codes.into_iter().map(Codes::new).collect();
        Ok(Self { config: config.clone(), device: device.clone(), decoder: generator, classes })
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

impl SyntheticSource for InterpolationSource {
    fn generate(&self, requests: &[SyntheticRequest]) -> Result<Vec<Image>> {
        check_requests(requests, self.classes.len())?;
        let draw = |requests: &[SyntheticRequest]| {
            let codes = requests.iter().flat_map(|request| self.code(request)).collect();
            render(&self.decoder, &self.config, &self.device, codes, requests)
        };
        let chunks: Vec<Vec<Image>> = requests.par_chunks(chunk(requests.len())).map(draw).collect::<Result<_>>()?;
        Ok(chunks.into_iter().flatten().collect())
    }

    fn classes(&self) -> &[String] {
        &self.config.classes
    }
}
