console.log("throws is evaluated");
throw new Error("while evaluated");
