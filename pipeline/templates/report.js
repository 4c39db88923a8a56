"use strict";
// The sliders and the filters of the page. Text goes in as text, never as HTML.
(() => {
  const byId = (id) => document.getElementById(id);
  const whole = new Intl.NumberFormat("en");
  const add = (parent, name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };

  const filters = byId("filters");
  const samples = [...document.querySelectorAll("#samples article")];
  const filter = () => {
    const want = Object.fromEntries(new FormData(filters));
    const text = want.text.toLowerCase();
    let shown = 0;
    for (const one of samples) {
      const score = one.dataset.score;
      const fits = (!want.language || one.dataset.language === want.language) && (!want.host || one.dataset.host === want.host) &&
        (!want.score || (score && Number(score) >= Number(want.score))) && (!text || one.textContent.toLowerCase().includes(text));
      one.hidden = !fits;
      shown += fits;
    }
    byId("shown").textContent = `${shown} of ${samples.length} shown`;
  };
  filters.addEventListener("input", filter);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filter();

  const data = JSON.parse(byId("data").textContent);
  const { sliders, stages, joint } = data;
  const rank = new Map([...data.alphabet].map((letter, place) => [letter, place]));
  const base = sliders.map((slider) => slider.current);
  const at = [...base];
  const own = Object.fromEntries(Object.keys(stages).map((name) => [name, sliders.flatMap((s, i) => s.stage === name ? [i] : [])]));
  const ofImages = joint.image_sliders.map((key) => sliders.findIndex((s) => s.key === key));
  const nsfw = ofImages.findIndex((i) => sliders[i].key === "nsfw.max_score");
  const limit = (key, from) => {
    const i = sliders.findIndex((s) => s.key === key);
    return sliders[i].positions[from[i]];
  };
  const passes = (letters, start, indexes, from) => indexes.every((i, place) => from[i] < rank.get(letters[start + place]));

  // One sampled document under a set of positions: [kept in step 01, in the dataset, its images, its tokens, newly let in].
  const judge = (place, from) => {
    const letters = stages.documents.sample[place];
    if (!letters || !passes(letters, 0, own.documents, from)) return [0, 0, 0, 0, 0];
    const fate = joint.fates[place];
    if (fate !== "k") return [1, 0, 0, 0, fate === "n" ? 1 : 0];
    const images = joint.images[place];
    let kept = 0;
    for (let start = 0; start < images.length; start += ofImages.length) {
      if (passes(images, start, ofImages, from)) kept += 1;
      else if (data.drops_document && nsfw >= 0 && from[ofImages[nsfw]] >= rank.get(images[start + nsfw])) return [1, 0, 0, 0, 0];
    }
    const fits = kept >= limit("assemble.min_images", from) && kept <= limit("assemble.max_images", from);
    return fits ? [1, 1, kept, joint.tokens[place], 0] : [1, 0, 0, 0, 0];
  };
  const size = stages.documents.sample.length;
  const before = Array.from({ length: size }, (_, place) => judge(place, base));

  // The difference to the run, scaled up: exact where nothing moved, and where the sample is everything.
  const scaled = (differences, total) => {
    const n = differences.length;
    if (!n) return [0, 0];
    const sum = differences.reduce((a, b) => a + b, 0), mean = sum / n;
    const variance = differences.reduce((a, b) => a + (b - mean) ** 2, 0) / Math.max(1, n - 1);
    return [sum * total / n, 1.96 * total * Math.sqrt(variance / n * Math.max(0, 1 - n / total))];
  };
  const say = (value, error) => error >= 0.5 ? `about ${whole.format(Math.round(value))} ± ${whole.format(Math.ceil(error))}` : whole.format(Math.round(value));

  const counted = (name) => {
    const stage = stages[name], moved = own[name].filter((i) => at[i] !== base[i]);
    if (!moved.length) return [stage.kept, 0, ""];
    if (moved.length === 1) {
      const histogram = stage.histograms[sliders[moved[0]].key];
      return [histogram.slice(at[moved[0]] + 1).reduce((a, b) => a + b, 0), 0, "exact"];
    }
    const kept = (letters, from) => letters && passes(letters, 0, own[name], from) ? 1 : 0;
    const [change, error] = scaled(stage.sample.map((letters) => kept(letters, at) - kept(letters, base)), stage.total);
    return [stage.kept + change, error, error ? "estimate" : "exact"];
  };

  const value = (slider, place) => place < 0 ? "off" : String(slider.positions[place]);
  const shown = (slider, place) => place < 0 ? "off" : slider.positions[place].toLocaleString("en", { maximumFractionDigits: 6 });
  const recipe = () => {
    const sections = new Map();
    sliders.forEach((slider, i) => {
      if (at[i] === base[i]) return;
      const cut = slider.key.lastIndexOf("."), section = slider.key.slice(0, cut);
      const off = slider.key.startsWith("text.") ? '"none"' : "-1.0";
      const line = `${slider.key.slice(cut + 1)} = ${at[i] < 0 ? off : value(slider, at[i])}`;
      sections.set(section, [...(sections.get(section) || []), line]);
    });
    return [...sections].map(([section, lines]) => [`[${section}]`, ...lines].join("\n")).join("\n\n");
  };

  const update = () => {
    sliders.forEach((slider, i) => {
      const box = document.querySelector(`[data-slider="${i}"]`);
      box.classList.toggle("moved", at[i] !== base[i]);
      box.querySelector("output").textContent = shown(slider, at[i]) + (at[i] !== base[i] ? ` (run: ${shown(slider, base[i])})` : "");
      const input = box.querySelector("input");
      input.value = at[i];
      input.setAttribute("aria-valuetext", shown(slider, at[i]) + (slider.unit ? " " + slider.unit : ""));
    });
    const list = byId("counts");
    list.replaceChildren();
    for (const [name, stage] of Object.entries(stages)) {
      const [now, error, how] = counted(name);
      add(list, "dt", stage.unit);
      const line = add(list, "dd", `${say(now, error)} `);
      line.dataset.stage = name;
      add(line, "span", how ? `${how}; run: ${whole.format(stage.kept)}` : "as in the run", "soft small");
    }
    const after = before.map((_, place) => judge(place, at));
    const moved = at.some((place, i) => place !== base[i]);
    const change = (column) => scaled(after.map((row, i) => row[column] - before[i][column]), stages.documents.total);
    for (const [label, column, total] of [["documents, all steps together", 1, data.totals.documents], ["images", 2, data.totals.images], ["tokens", 3, data.totals.tokens]]) {
      const [difference, error] = change(column);
      add(list, "dt", `${label}, in the dataset`);
      const line = add(list, "dd", `${say(Math.max(0, total + difference), error)} `, "big");
      line.dataset.total = label;
      add(line, "span", moved ? `estimate, duplicates as the run had them; run: ${whole.format(total)}` : "as in the run", "soft small");
    }
    const [let_in, error] = change(4);
    if (let_in >= 0.5) add(list, "dd", `Step 01 would let in ${say(let_in, error)} documents more, whose images nobody has asked for yet; they are not in the estimate.`, "small");
    byId("toml").textContent = recipe() || "# nothing was moved";
    const changes = byId("changes");
    changes.replaceChildren();
    joint.names.forEach(([title, site], place) => {
      if (changes.children.length >= 12) return;
      const was = before[place], is = after[place];
      const what = was[1] > is[1] ? "goes" : is[1] > was[1] ? "comes" : is[4] > was[4] ? "is let in by step 01" : is[2] !== was[2] ? `${was[2]} → ${is[2]} images` : "";
      if (!what) return;
      const line = add(changes, "li", `${what}: `);
      add(line, "bdi", title || "(no title)");
      add(line, "span", ` ${site}`, "soft");
    });
    if (!changes.children.length) add(changes, "li", moved ? "none of the named sample" : "nothing was moved", "soft");
  };

  let waiting = 0;
  byId("sliders").addEventListener("input", (event) => {
    at[Number(event.target.closest("[data-slider]").dataset.slider)] = Number(event.target.value);
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(update);
  });
  byId("reset").addEventListener("click", () => {
    base.forEach((place, i) => { at[i] = place; });
    update();
  });
  byId("copy").addEventListener("click", async () => {
    const text = byId("toml").textContent;
    try {
      await navigator.clipboard.writeText(text);
      byId("copied").textContent = "copied";
    } catch {
      getSelection().selectAllChildren(byId("toml"));
      byId("copied").textContent = document.execCommand("copy") ? "copied" : "selected: copy it with the keyboard";
    }
  });
  update();
})();
