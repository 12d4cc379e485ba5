package dev.coppice.gateway.authentication;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The cookies of a browser, by what answers have set. */
public final class TestBrowser {
    public final Map<String, String> cookies = new LinkedHashMap<>();

    /** Takes values of Set-Cookie. */
    public void take(List<String> all) {
        for (String each : all) {
            String pair = each.substring(0, each.indexOf(';'));
            String name = pair.substring(0, pair.indexOf('='));
            if (pair.length() > 4096 || name.startsWith("__Host-") && !each.contains("; Secure")) {
                continue;
            }
            if (each.contains("Max-Age=0")) {
                cookies.remove(name);
            } else {
                cookies.put(name, pair.substring(name.length() + 1));
            }
        }
    }

    /** The value of a Cookie header; empty when there is none. */
    public String header() {
        List<String> all = new ArrayList<>();
        cookies.forEach((name, value) -> all.add(name + "=" + value));
        return String.join("; ", all);
    }
}
