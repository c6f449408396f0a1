// Keeps the token of somebody who entered the launch password in this tab, so that the page can be loaded anew. It lasts
// as long as the tab, is sent with no request by itself, and is no use once the server has ended it or was started again.

const KEY = "four-dials-signed-in";

export default function ({ data, setStateValue }) {
  let held = null;
  try {
    if (data.ask) held = window.sessionStorage.getItem(KEY);
    else if (data.keep) window.sessionStorage.setItem(KEY, data.keep);
    else window.sessionStorage.removeItem(KEY);
  } catch (error) {
    held = null; // storage is forbidden: the password is asked for again
  }
  if (data.ask) setStateValue("told", held || "none");
}
