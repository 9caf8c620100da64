// The address is relative to the page, so that it holds behind any prefix.
SwaggerUIBundle({
  url: "api",
  dom_id: "#api",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
