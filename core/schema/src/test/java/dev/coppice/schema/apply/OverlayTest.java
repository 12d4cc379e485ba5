package dev.coppice.schema.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Schema;
import org.junit.jupiter.api.Test;

/** Merges of mutating policies. */
class OverlayTest {
    private static ObjectNode json(String text) throws JsonProcessingException {
        return (ObjectNode) new ObjectMapper().readTree(text.replace('\'', '"'));
    }

    private static Schema schema() throws JsonProcessingException {
        return Schema.of(json("{'type':'object','properties':{'a':{'type':'integer'},'m':{'type':'object',"
                + "'additionalProperties':{'type':'string'}},'whole':{'type':'object','x-kubernetes-map-type':'atomic',"
                + "'properties':{'x':{'type':'string'},'y':{'type':'string'}}},'plain':{'type':'array','items':{'type':"
                + "'string'}},'set':{'type':'array','x-kubernetes-list-type':'set','items':{'type':'string'}},'keyed':"
                + "{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['name'],'items':{'type':"
                + "'object','required':['name'],'properties':{'name':{'type':'string'},'v':{'type':'integer'},'w':{'type':"
                + "'integer'}}}}}}"));
    }

    private static String merge(String object, String configuration) throws JsonProcessingException {
        return Overlay.merge(schema(), json(object), json(configuration))
                .toString()
                .replace('"', '\'');
    }

    @Test
    void mapsSetsAndKeyedListsAreMergedByTheirParts() throws Exception {
        assertThat(merge(
                        "{'a':1,'m':{'k':'1','l':'2'},'set':['x','y'],'keyed':[{'name':'p','v':1},{'name':'q','v':2}]}",
                        "{'a':2,'m':{'l':'3'},'set':['y','z'],'keyed':[{'name':'q','w':9},{'name':'r'}]}"))
                .isEqualTo("{'a':2,'m':{'k':'1','l':'3'},'set':['x','y','z'],"
                        + "'keyed':[{'name':'p','v':1},{'name':'q','v':2,'w':9},{'name':'r'}]}");
        assertThat(merge("{'a':1,'plain':['x']}", "{}")).isEqualTo("{'a':1,'plain':['x']}");
    }

    @Test
    void whatIsAtomicIsRefusedAllOfItTogether() {
        assertThatThrownBy(() -> merge("{}", "{'whole':{'x':'1'},'plain':['a']}"))
                .isInstanceOf(ApplyException.class)
                .hasMessage(
                        "invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .whole, .plain");
    }

    @Test
    void whatDoesNotFitTheSchemaIsRefused() {
        assertThatThrownBy(() -> merge("{}", "{'a':'one','b':1}"))
                .hasMessageContaining("failed to convert patch object to typed object: errors:")
                .hasMessageContaining(".b: field not declared in schema");
    }

    @Test
    void argumentsStayAsTheyAre() throws Exception {
        ObjectNode object = json("{'m':{'k':'1'}}");
        ObjectNode configuration = json("{'m':{'l':'2'}}");
        ObjectNode merged = Overlay.merge(schema(), object, configuration);
        merged.withObjectProperty("m").put("k", "changed").put("l", "changed");
        assertThat(object).isEqualTo(json("{'m':{'k':'1'}}"));
        assertThat(configuration).isEqualTo(json("{'m':{'l':'2'}}"));
    }
}
