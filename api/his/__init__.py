"""The national protocol (国家医保平台定点医药机构接口), spoken to hospitals unchanged."""
