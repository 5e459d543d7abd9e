// Moves along the table of thresholds: every number shown stands in it, and without this script it tells the same.
(() => {
  const part = document.getElementById("decisions");
  const rows = part.querySelectorAll("#thresholds tbody tr");
  const shown = part.querySelectorAll("#decision dd");
  const names = part.querySelectorAll("#decision dt");
  const marks = part.querySelectorAll(`svg [stroke="${part.dataset.mark}"]`);
  const slider = document.getElementById("threshold");

  const show = () => {
    const row = rows[slider.value];
    const texts = [...row.cells].map((cell) => cell.textContent);
    texts.forEach((text, i) => { shown[i].textContent = text; });
    slider.setAttribute("aria-valuetext", texts.slice(0, 4).map((text, i) => `${names[i].textContent} ${text}`).join(", "));
    marks.forEach((mark) => mark.setAttribute("transform", `translate(${row.dataset.at * part.dataset.plot},0)`));
  };

  slider.addEventListener("input", show);
  slider.parentElement.hidden = false;
  show();
})();
