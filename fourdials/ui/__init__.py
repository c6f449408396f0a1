"""The parts pages are made of; with `pages/` and `app.py` the only place that knows Streamlit.

    chart      a Plotly figure that is redrawn in place, so zoom survives new data
    data       the open store, and query results kept until new rows land
    words      numbers, states and outcomes as people read them
    draft      the Run page's choices ↔ an experiment's plain data
    controls   widgets drawn from a pydantic schema or a list of experiments
    setup      the Run page's form
    monitor    a run while it is going

Importing this package imports none of them: a page takes what it needs, so the first page appears early.
"""
