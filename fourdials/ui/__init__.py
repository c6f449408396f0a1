"""The parts pages are made of; with `pages/` and `app.py` the only place that knows Streamlit.

    shell      a page is always shown inside the app's navigation
    words      numbers, states and outcomes as people read them
    data       the open store, query results kept until new rows land, and where a run stands
    chart      a Plotly figure that is redrawn in place, so zoom survives new data
    controls   a choice kept in the URL, fields drawn from a schema, states as badges
    curves     a view of a run's curves: query, estimate, figures
    tables     what stands behind the figures
    trace      one trial, level by level
    draft      the Run page's choices ↔ an experiment's plain data
    outlook    a draft → its forecast, or every mistake in it
    models     the choice of a model, and what others lack
    setup      the Run page's form
    fetching   the local model's weights, fetched with progress
    monitor    a run while it goes

Importing this package imports none of them: a page takes what it needs, so that its first words appear early.
"""
