"""Models: which can be used now and why not, what each can do, and the person's own models, limits, prices and keys."""

import streamlit as st

from fourdials.ui import shell

shell.enter()
st.title("Models", anchor=False)

from fourdials.models import catalogue  # noqa: E402 - the title appears while these load
from fourdials.ui import controls, model_forms, model_page, model_tests  # noqa: E402

if told := st.session_state.pop("models.told", None):
    st.success(told, icon=":material/check:")
model_page.troubles()
look, add, limits, prices, keys = st.tabs(
    ["Overview", "Add", "Limits", "Prices", "Keys"], key="models", bind="query-params"
)
found = catalogue.catalogue()
with look:
    model_page.table(found)
    model = found[
        controls.linked_choice(
            st.selectbox,
            "Look at",
            list(found),
            param="model",
            default=next(iter(found)),
            format_func=lambda each: found[each].label,
        )
    ]
    left, right = st.columns([6, 7], gap="large")
    with left:
        model_page.details(model)
    with right, st.container(border=True):
        model_tests.offer(model)
with add:
    model_forms.add()
with limits:
    model_forms.limits(found)
with prices:
    model_forms.prices(found)
with keys:
    model_page.keys(found)
