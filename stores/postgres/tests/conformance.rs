//! The store passes the conformance kit.

use tenure_core::Store;
use tenure_core::store::Answer;
use tenure_postgres::{Address, PostgresOptions, PostgresStore};
use tenure_testkit::Fixture;
use tokio::runtime::EnterGuard;

use crate::common::{Schema, runtime};

/// A schema of its own, in the runtime of the tests.
struct InSchema {
    url: String,
    _runtime: EnterGuard<'static>,
}

impl InSchema {
    fn new(parameters: &str) -> Self {
        Self {
            url: Schema::new().url_with(parameters),
            _runtime: runtime().enter(),
        }
    }
}

impl Fixture for InSchema {
    fn open<'a>(&'a self) -> Answer<'a, Box<dyn Store>> {
        Box::pin(async {
            let address = Address::parse(&self.url)?;
            let store = PostgresStore::open(&address, &PostgresOptions::default()).await?;
            tenure_testkit::store(store)
        })
    }
}

mod with_prepared_statements {
    tenure_testkit::conformance!(super::InSchema::new(""));
}

mod without_prepared_statements {
    tenure_testkit::conformance!(super::InSchema::new("&prepared=false&pool_max=1"));
}
