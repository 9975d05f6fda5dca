import { defineConfig } from "vite";

// Streamlit finds the bundle by the pattern index-*.js, which must match exactly one file:
// emptyOutDir sees to that. The hash in the name lets browsers cache it for ever.
export default defineConfig({
  build: {
    outDir: "../streamlit_pgstate/static",
    emptyOutDir: true,
    target: "es2020",
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index-[hash]" },
  },
});
