"""The company's side: the cash entries that the ERP exports, and the chart of accounts."""
