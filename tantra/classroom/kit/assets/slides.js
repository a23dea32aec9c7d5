"use strict";
(() => {
  const slides = [...document.querySelectorAll(".slide")];
  const place = document.getElementById("place");
  let at = Math.max(0, Math.min(slides.length, Number(location.hash.slice(1)) || 1) - 1);
  function turn(to) {
    at = Math.max(0, Math.min(slides.length - 1, to));
    slides.forEach((slide, number) => slide.classList.toggle("shown", number === at));
    place.textContent = `${at + 1} of ${slides.length}`;
    history.replaceState(null, "", `#${at + 1}`);
    scrollTo(0, 0);
  }
  const keys = {
    ArrowRight: () => at + 1, PageDown: () => at + 1,
    ArrowLeft: () => at - 1, PageUp: () => at - 1,
    Home: () => 0, End: () => slides.length - 1,
  };
  addEventListener("keydown", event => {
    const inside = event.target.closest("pre") && event.key.startsWith("Arrow");
    if (!(event.key in keys) || inside || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    turn(keys[event.key]());
  });
  document.getElementById("back").addEventListener("click", () => turn(at - 1));
  document.getElementById("on").addEventListener("click", () => turn(at + 1));
  document.documentElement.classList.add("turning");
  turn(at);
})();
