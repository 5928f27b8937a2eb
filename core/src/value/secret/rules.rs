//! The forms of the keys and tokens of many vendors, as data: how they begin, which characters follow,
//! and how many. These facts are those that the rules of gitleaks list (MIT licence), besides a few of
//! our own. Lengths are often shorter than a vendor's, since a part of a key is worth hiding, too.

use super::scan::Alphabet;

const DIGITS: Alphabet = Alphabet::DIGITS;
const LETTERS: Alphabet = Alphabet::LETTERS;
const HEX: Alphabet = Alphabet::HEX;
const CAPITALS: Alphabet = Alphabet::CAPITALS;
const ALPHANUMERIC: Alphabet = Alphabet::ALPHANUMERIC;
const WORD: Alphabet = Alphabet::WORD;
const DOTTED: Alphabet = Alphabet::DOTTED;
const BASE64: Alphabet = Alphabet::BASE64;
const ANY: Alphabet = Alphabet::ANY;

/// A token that begins in a way of its own.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) prefix: &'static [u8],
    /// The characters that follow.
    pub(super) alphabet: Alphabet,
    /// How many follow at least.
    pub(super) least: u8,
    /// How many follow at most, where the token ends with them; [`OPEN`] if anything may follow.
    pub(super) most: u8,
    /// Whether a digit has to follow, since words begin in the same way.
    pub(super) digit: bool,
}

/// Of tokens that go on as long as their characters do.
pub(super) const OPEN: u8 = 0;

const fn token(prefix: &'static str, alphabet: Alphabet, least: u8) -> Token {
    Token {
        prefix: prefix.as_bytes(),
        alphabet,
        least,
        most: OPEN,
        digit: false,
    }
}

/// A token of which nothing but its own characters may follow.
const fn closed(prefix: &'static str, alphabet: Alphabet, least: u8, most: u8) -> Token {
    Token {
        most,
        ..token(prefix, alphabet, least)
    }
}

/// A token that needs a digit to be distinguished from words.
const fn with_digit(token: Token) -> Token {
    Token {
        digit: true,
        ..token
    }
}

/// In the order of their prefixes, so that those of one first character are together. [`TOKENS`] is the
/// same in few bytes.
pub(super) const LIST: &[Token] = &[
    closed("4b1d", ALPHANUMERIC, 38, 38),
    with_digit(closed("A3-", WORD, 35, 37)),
    closed("A3T", CAPITALS, 17, 17),
    closed("ABIA", CAPITALS, 16, 16),
    token("ABSK", BASE64, 100),
    closed("ACCA", CAPITALS, 16, 16),
    token("AGE-SECRET-KEY-1", CAPITALS, 50),
    token("AIza", WORD, 30),
    closed("AKCp", ALPHANUMERIC, 60, 80),
    closed("AKIA", CAPITALS, 16, 16),
    closed("API-", CAPITALS, 26, 26),
    with_digit(token("AQVN", WORD, 35)),
    closed("ASIA", CAPITALS, 16, 16),
    token("ATATT3", ANY, 60),
    token("CLOJARS_", ALPHANUMERIC, 40),
    token("EAAA", WORD, 40),
    token("EAAC", ALPHANUMERIC, 80),
    token("EAAM", ALPHANUMERIC, 80),
    token("EZAK", ALPHANUMERIC, 50),
    token("EZTK", ALPHANUMERIC, 50),
    token("FLWPUBK_TEST-", WORD, 12),
    token("FLWSECK-", WORD, 12),
    token("FLWSECK_TEST-", WORD, 12),
    token("GOCSPX-", WORD, 20),
    with_digit(token("GR1348941", WORD, 16)),
    token("HRKU-AA", WORD, 40),
    closed("LTAI", ALPHANUMERIC, 16, 24),
    token("NRAK-", ALPHANUMERIC, 20),
    token("NRII-", WORD, 20),
    token("NRJS-", HEX, 16),
    token("PMAK-", WORD, 40),
    token("SG.", DOTTED, 40),
    closed("SK", HEX, 32, 32),
    with_digit(closed("YC", WORD, 38, 38)),
    token("ZXlKaGJHY2lPaU", BASE64, 16),
    token("_auth=", BASE64, 12),
    token("access-development-", WORD, 36),
    token("access-production-", WORD, 36),
    token("access-sandbox-", WORD, 36),
    token("api_org_", LETTERS, 30),
    token("authress_", ANY, 40),
    token("bedrock-api-key-", BASE64, 40),
    token("cmVmd", ALPHANUMERIC, 50),
    closed("dapi", HEX, 32, 32),
    token("discord.com/api/webhooks/", ANY, 40),
    token("discordapp.com/api/webhooks/", ANY, 40),
    token("dnkey-", WORD, 40),
    token("doo_v1_", HEX, 32),
    token("dop_v1_", HEX, 32),
    token("dor_v1_", HEX, 32),
    token("dp.ct.", ALPHANUMERIC, 40),
    token("dp.pt.", ALPHANUMERIC, 40),
    token("dp.st.", DOTTED, 40),
    token("dt0c01.", DOTTED, 40),
    token("duffel_live_", ANY, 30),
    token("duffel_test_", ANY, 30),
    with_digit(token("ext_", ANY, 60)),
    token("eyJrIjoi", ALPHANUMERIC, 50),
    token("fio-u-", WORD, 40),
    token("fm1a_", BASE64, 80),
    token("fm1r_", BASE64, 80),
    token("fm2_", BASE64, 80),
    token("fo1_", WORD, 40),
    token("gho_", WORD, 8),
    token("ghp_", WORD, 8),
    token("ghr_", WORD, 8),
    token("ghs_", WORD, 8),
    token("ghu_", WORD, 8),
    token("github_pat_", WORD, 8),
    token("gitlab_session=", ALPHANUMERIC, 24),
    token("glagent-", WORD, 20),
    token("glc_", BASE64, 32),
    token("glcbt-", WORD, 16),
    token("gldt-", WORD, 16),
    token("glffct-", WORD, 16),
    token("glft-", WORD, 16),
    token("glimt-", WORD, 16),
    token("gloas-", WORD, 20),
    token("glpat-", DOTTED, 8),
    token("glptt-", WORD, 20),
    token("glrt-", DOTTED, 16),
    token("glsa_", WORD, 32),
    token("glsoat-", WORD, 16),
    token("gsk_", ALPHANUMERIC, 40),
    closed("hf_", ALPHANUMERIC, 30, 60),
    token("hooks.slack.com/", ANY, 40),
    token("hvb.", WORD, 60),
    token("hvs.", WORD, 20),
    closed("ico-", ALPHANUMERIC, 32, 32),
    closed("key-", HEX, 32, 32),
    token("lin_api_", ALPHANUMERIC, 30),
    token("lin_oauth_", ALPHANUMERIC, 30),
    with_digit(token("live_", HEX, 30)),
    token("npm_", ALPHANUMERIC, 30),
    token("ntn_", ALPHANUMERIC, 40),
    token("nvapi-", WORD, 40),
    token("ops_eyJ", BASE64, 60),
    token("p8e-", ALPHANUMERIC, 30),
    with_digit(token("pat", DOTTED, 79)),
    with_digit(token("pat.", DOTTED, 60)),
    token("pnu_", ALPHANUMERIC, 30),
    token("pplx-", ALPHANUMERIC, 40),
    token("pscale_oauth_", DOTTED, 30),
    token("pscale_pw_", DOTTED, 30),
    token("pscale_tkn_", DOTTED, 30),
    token("pubkey-", HEX, 32),
    token("pul-", HEX, 40),
    token("pypi-", WORD, 60),
    token("r8_", ALPHANUMERIC, 30),
    token("rdme_", ALPHANUMERIC, 50),
    token("rk_live_", WORD, 8),
    token("rk_prod_", WORD, 8),
    token("rk_test_", WORD, 8),
    token("rubygems_", HEX, 40),
    token("s-s4t2af-", HEX, 40),
    token("s-s4t2ud-", HEX, 40),
    with_digit(closed("s.", ALPHANUMERIC, 24, 24)),
    with_digit(token("sat.", DOTTED, 60)),
    token("sbp_", HEX, 40),
    with_digit(token("sc_", ANY, 60)),
    with_digit(token("scauth_", ANY, 60)),
    token("secret_", ALPHANUMERIC, 40),
    token("sgp_", WORD, 40),
    token("sha256~", WORD, 40),
    token("shippo_live_", HEX, 32),
    token("shippo_test_", HEX, 32),
    token("shpat_", HEX, 24),
    token("shpca_", HEX, 24),
    token("shppa_", HEX, 24),
    token("shpss_", HEX, 24),
    token("sig=", BASE64, 40),
    with_digit(token("sk-", WORD, 16)),
    token("sk_live_", WORD, 8),
    token("sk_prod_", WORD, 8),
    token("sk_test_", WORD, 8),
    with_digit(token("sl.", WORD, 80)),
    token("sm_aat_", ALPHANUMERIC, 16),
    token("sm_pat_", ALPHANUMERIC, 16),
    token("sm_sat_", ALPHANUMERIC, 16),
    token("sntrys_", BASE64, 40),
    token("sntryu_", HEX, 40),
    token("sq0atp-", WORD, 20),
    token("sq0csp-", WORD, 20),
    token("sqa_", ALPHANUMERIC, 30),
    token("sqp_", ALPHANUMERIC, 30),
    token("squ_", ALPHANUMERIC, 30),
    with_digit(token("t1.", DOTTED, 80)),
    with_digit(token("test_", HEX, 30)),
    token("tfp_", ANY, 40),
    with_digit(token("tk-us-", WORD, 40)),
    token("v1.0-", WORD, 100),
    token("webhook.office.com/", ANY, 60),
    token("whsec_", BASE64, 24),
    token("xai-", ALPHANUMERIC, 40),
    token("xapp-", WORD, 20),
    token("xkeysib-", WORD, 40),
    token("xoxa-", WORD, 8),
    token("xoxb-", WORD, 8),
    token("xoxe-", WORD, 8),
    token("xoxe.xox", WORD, 8),
    token("xoxo-", WORD, 8),
    token("xoxp-", WORD, 8),
    token("xoxr-", WORD, 8),
    token("xoxs-", WORD, 8),
];

const COUNT: usize = LIST.len();
const BYTES: usize = {
    let (mut bytes, mut at) = (0, 0);
    while at < COUNT {
        bytes += LIST[at].prefix.len();
        at += 1;
    }
    bytes
};

/// The tokens, one property after the other, which a browser's module holds in half of the bytes that
/// the list takes.
pub(super) struct Tokens {
    prefixes: [u8; BYTES],
    lengths: [u8; COUNT],
    alphabets: [Alphabet; COUNT],
    least: [u8; COUNT],
    most: [u8; COUNT],
    digits: [bool; COUNT],
    /// Of each first character the first token and where its prefix begins.
    first: [(u8, u16); 128],
}

/// The tokens of [`LIST`].
pub(super) static TOKENS: Tokens = Tokens::of_list();

impl Tokens {
    const fn of_list() -> Self {
        let mut tokens = Self {
            prefixes: [0; BYTES],
            lengths: [0; COUNT],
            alphabets: [ANY; COUNT],
            least: [0; COUNT],
            most: [0; COUNT],
            digits: [false; COUNT],
            first: [(COUNT as u8, 0); 128],
        };
        let (mut at, mut byte) = (0, 0);
        while at < COUNT {
            let token = LIST[at];
            let prefix = token.prefix;
            tokens.lengths[at] = prefix.len() as u8;
            tokens.alphabets[at] = token.alphabet;
            tokens.least[at] = token.least;
            tokens.most[at] = token.most;
            tokens.digits[at] = token.digit;
            let first = &mut tokens.first[prefix[0] as usize];
            if first.0 == COUNT as u8 {
                *first = (at as u8, byte as u16);
            }
            let mut of_prefix = 0;
            while of_prefix < prefix.len() {
                tokens.prefixes[byte] = prefix[of_prefix];
                byte += 1;
                of_prefix += 1;
            }
            at += 1;
        }
        tokens
    }

    /// The tokens that begin with a character.
    pub(super) fn beginning_with(&'static self, first: u8) -> impl Iterator<Item = Token> {
        let (from, mut byte) = self
            .first
            .get(usize::from(first))
            .copied()
            .unwrap_or((COUNT as u8, 0));
        let tokens = usize::from(from)..COUNT;
        tokens.map_while(move |at| {
            let length = u16::from(*self.lengths.get(at)?);
            let prefix = self
                .prefixes
                .get(usize::from(byte)..usize::from(byte + length))?;
            byte += length;
            (prefix.first() == Some(&first)).then_some(Token {
                prefix,
                alphabet: *self.alphabets.get(at)?,
                least: *self.least.get(at)?,
                most: *self.most.get(at)?,
                digit: *self.digits.get(at)?,
            })
        })
    }
}

/// A secret that is known by what stands within it.
pub(super) struct Joint {
    /// What stands before, at the end of a word: its characters, and how many.
    pub(super) before: (Alphabet, u8, u8),
    /// With which the word ends.
    pub(super) ending: &'static str,
    /// What follows the word, and then the characters, and how many at least.
    pub(super) joint: &'static str,
    pub(super) after: (Alphabet, u8),
}

pub(super) const JOINTS: &[Joint] = &[
    // A bot's token of Telegram.
    Joint {
        before: (DIGITS, 5, 16),
        ending: "",
        joint: ":A",
        after: (WORD, 34),
    },
    // A client secret of Azure.
    Joint {
        before: (WORD, 2, 255),
        ending: "Q",
        joint: "~",
        after: (DOTTED, 31),
    },
    // A token of Terraform's cloud.
    Joint {
        before: (ALPHANUMERIC, 14, 14),
        ending: "",
        joint: ".atlasv1.",
        after: (ANY, 40),
    },
    // A licence key of MaxMind.
    Joint {
        before: (WORD, 40, 40),
        ending: "_mmk",
        joint: "",
        after: (WORD, 0),
    },
];

/// Values that are secrets where their name contains that of a vendor.
pub(super) struct Vendors {
    pub(super) alphabet: Alphabet,
    pub(super) least: u8,
    pub(super) most: u8,
    /// The vendors, in small letters and set apart by spaces.
    pub(super) names: &'static str,
}

const fn vendors(alphabet: Alphabet, least: u8, most: u8, names: &'static str) -> Vendors {
    Vendors {
        alphabet,
        least,
        most,
        names,
    }
}

pub(super) const VENDORS: &[Vendors] = &[
    vendors(
        ALPHANUMERIC,
        15,
        17,
        "airtable confluent dropbox linkedin linked_in",
    ),
    vendors(ALPHANUMERIC, 20, 20, "finicity finnhub"),
    vendors(
        ALPHANUMERIC,
        22,
        26,
        "etsy kucoin looker mattermost messagebird message_bird plaid travis twitter",
    ),
    vendors(ALPHANUMERIC, 30, 30, "alibaba plaid twitch"),
    vendors(
        WORD,
        32,
        32,
        "adafruit adobe algolia asana bitbucket bittrex codecov discord droneci facebook fastly finicity flickr linear nytimes new_york_times newyorktimes privateai private_ai",
    ),
    vendors(
        WORD,
        36,
        37,
        "heroku hubspot kucoin mailchimp messagebird sendbird snyk squarespace",
    ),
    vendors(
        WORD,
        37,
        47,
        "beamer cloudflare cohere contentful datadog gitter gocardless launchdarkly meraki netlify okta sendbird sonar twitter yandex zendesk",
    ),
    vendors(WORD, 50, 50, "rapidapi twitter"),
    vendors(
        WORD,
        60,
        73,
        "artifactory bintray bitbucket coinbase confluent discord dropbox freshbooks intercom jfrog mailgun new_relic newrelic sentry sumo xray",
    ),
    vendors(ANY, 80, 130, "kraken mapbox twitter"),
];
