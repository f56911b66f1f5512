// Draws the OpenAPI description with Redoc; everything comes from our own origin.
(function () {
  "use strict";
  var text = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
  var code = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace';
  // Redoc shows its maker's logo from another host, which the page's policy forbids: do not even ask.
  var source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
  Object.defineProperty(HTMLImageElement.prototype, "src", {
    get: source.get,
    set: function (url) { source.set.call(this, /^https?:/.test(url) ? "data:," : url); }
  });
  var place = document.getElementById("reference");
  var options = {
    hideDownloadButton: false,
    expandResponses: "200",
    requiredPropsFirst: true,
    sortTagsAlphabetically: true,
    jsonSampleExpandLevel: 3,
    hideSchemaTitles: true,
    pathInMiddlePanel: true,
    nativeScrollbars: true,
    disableSearch: false,
    theme: {
      colors: { primary: { main: "#1f5f8b" }, text: { primary: "#1b2430" }, border: { light: "#e4e8ee", dark: "#c9d1db" } },
      typography: {
        fontSize: "15px",
        lineHeight: "1.55",
        fontFamily: text,
        headings: { fontFamily: text, fontWeight: "650" },
        code: { fontFamily: code, fontSize: "13px", backgroundColor: "#f1f4f8", color: "#8a2b4b" },
        links: { color: "#1f5f8b" }
      },
      sidebar: { width: "280px", backgroundColor: "#f7f9fb", textColor: "#1b2430" },
      rightPanel: { backgroundColor: "#17212e", width: "38%" }
    }
  };
  window.Redoc.init(place.dataset.description, options, place);
})();
