// Keeps a random name in this browser, so that a class counts one prediction from it however often the page is loaded.
// It says nothing about who reads; the server makes names for browsers that keep none.

const KEY = "four-dials-reader";
const NAME = /^[0-9a-f]{32}$/;

export default function ({ data, setStateValue }) {
  let name = null;
  try {
    name = window.localStorage.getItem(KEY);
    if (!NAME.test(name)) {
      name = data.fresh;
      window.localStorage.setItem(KEY, name);
    }
  } catch (error) {
    name = data.fresh; // storage is forbidden: the name lasts as long as the page
  }
  if (name !== data.known) setStateValue("name", name);
}
