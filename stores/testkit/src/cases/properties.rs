//! Rules for every input, tested with generated ones.

use tenure_core::Filter;

use crate::check::{Check, same};
use crate::counted::{aggregate, counts};
use crate::fixture::Run;
use crate::generate;
use crate::model;
use crate::sample::{create, ids};

pub(crate) async fn generated_queries_agree_with_the_reference(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut rng = fastrand::Rng::with_seed(5);
    let heads = generate::heads(&mut rng, run.sessions(400));
    create(&*store, &heads).await?;
    for _ in 0..run.scaled(1000) {
        let query = generate::query(&mut rng, &heads);
        let expected = query.page(&heads);
        let page = store.list(&query).await?;
        let what = |part: &str| format!("{part} of {query:?}");
        same(
            &what("the sessions"),
            &ids(&page.heads),
            &ids(&expected.heads),
        )?;
        same(&what("the page"), &page, &expected)?;
    }
    Ok(())
}

pub(crate) async fn counts_of_generated_filters_agree_with_the_reference(run: &Run<'_>) -> Check {
    let store = run.open().await?;
    let mut rng = fastrand::Rng::with_seed(6);
    let heads = generate::heads(&mut rng, run.sessions(400));
    create(&*store, &heads).await?;
    counts(&*store, Filter::default(), &heads).await?;
    for _ in 0..run.scaled(400) {
        let filter = generate::tally_filter(&mut rng);
        aggregate(&*store, &filter, generate::aggregate(&mut rng), &heads).await?;
    }
    Ok(())
}

pub(crate) async fn random_operations_agree_with_a_model(run: &Run<'_>) -> Check {
    let mut store = run.open().await?;
    for seed in 0..u64::from(run.scaled(30)) {
        store = model::run_sequence(run, store, seed)
            .await
            .map_err(|failure| failure.within(format!("sequence {seed}")))?;
    }
    Ok(())
}
