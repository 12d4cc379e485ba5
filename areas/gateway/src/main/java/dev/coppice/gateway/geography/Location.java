package dev.coppice.gateway.geography;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Where an address is, as far as anybody knows; what nobody knows is empty. All of it is printable ASCII. Immutable.
 *
 * @param continent two letters: AF, AN, AS, EU, NA, OC or SA
 * @param country two letters (ISO 3166-1)
 * @param subdivision of the country, such as {@code US-CA} (ISO 3166-2)
 * @param autonomousSystem its number, such as {@code 64496}
 */
public record Location(String continent, String country, String subdivision, String autonomousSystem) {
    public static final Location UNKNOWN = new Location("", "", "", "");

    private static final Pattern TWO_LETTERS = Pattern.compile("[A-Z]{2}");
    private static final Pattern SUBDIVISION = Pattern.compile("[A-Z0-9]{1,3}");
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,10}");

    /**
     * What a record of a database says, in the forms of GeoLite2 ({@code country.iso_code}), of ip-location-db ({@code country_code}), and of
     * IPinfo ({@code country}, {@code asn: AS64496}). Whatever does not look as it should is left out.
     */
    static Location of(Map<?, ?> entry) {
        String country = matching(TWO_LETTERS, first(entry, "country", "iso_code", "country_code"));
        String within = matching(SUBDIVISION, inside(firstOf(entry.get("subdivisions")), "iso_code"));
        String number = first(entry, "asn", "", "autonomous_system_number");
        return new Location(
                matching(TWO_LETTERS, first(entry, "continent", "code", "continent_code")),
                country,
                country.isEmpty() || within.isEmpty() ? "" : country + "-" + within,
                matching(NUMBER, number.startsWith("AS") ? number.substring(2) : number));
    }

    /** A field that is a text, or an object with one; or else another field. */
    private static String first(Map<?, ?> entry, String field, String member, String other) {
        Object value = entry.get(field);
        String text = value instanceof Map<?, ?> object ? inside(object, member) : text(value);
        return text.isEmpty() ? text(entry.get(other)) : text;
    }

    private static @Nullable Object firstOf(@Nullable Object value) {
        return value instanceof List<?> list && !list.isEmpty() ? list.getFirst() : null;
    }

    private static String inside(@Nullable Object value, String member) {
        return value instanceof Map<?, ?> object ? text(object.get(member)) : "";
    }

    private static String text(@Nullable Object value) {
        return value instanceof String || value instanceof Number ? value.toString() : "";
    }

    private static String matching(Pattern expected, String text) {
        return expected.matcher(text).matches() ? text : "";
    }

    /** The same, with what it does not know as another one knows it. */
    Location or(Location other) {
        return new Location(
                either(continent, other.continent),
                either(country, other.country),
                // That of another country would be nonsense.
                !subdivision.isEmpty() || !country.isEmpty() && !country.equals(other.country)
                        ? subdivision
                        : other.subdivision,
                either(autonomousSystem, other.autonomousSystem));
    }

    private static String either(String one, String other) {
        return one.isEmpty() ? other : one;
    }
}
