import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;

import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.TimestampType;

/**
 * What klog-consume has to print of records, from the records as Kafka's own
 * classes hand them out: NAME.json as -J, NAME.values as without options,
 * NAME.records as -F '%o %T %K %S|%k|%s\n'.  It shares no line with klog.
 */
final class Shown implements AutoCloseable {
    private final OutputStream json;
    private final OutputStream values;
    private final OutputStream records;

    Shown(Path dir, String name) throws IOException {
        Files.createDirectories(dir);
        json = open(dir, name + ".json");
        values = open(dir, name + ".values");
        records = open(dir, name + ".records");
    }

    private static OutputStream open(Path dir, String name) throws IOException {
        return new BufferedOutputStream(
            Files.newOutputStream(dir.resolve(name)), 1 << 16);
    }

    void record(String topic, int partition, long offset, TimestampType type,
            long timestamp, byte[] key, byte[] value, Header[] headers)
            throws IOException {
        json.write(line(topic, partition, offset, type, timestamp, key, value,
            headers).getBytes(StandardCharsets.UTF_8));
        if (value != null)
            values.write(value);
        values.write('\n');
        records.write((offset + " " + timestamp + " " + size(key) + " " +
            size(value) + "|").getBytes(StandardCharsets.UTF_8));
        if (key != null)
            records.write(key);
        records.write('|');
        if (value != null)
            records.write(value);
        records.write('\n');
    }

    private static int size(byte[] bytes) {
        return bytes == null ? -1 : bytes.length;
    }

    private static String line(String topic, int partition, long offset,
            TimestampType type, long timestamp, byte[] key, byte[] value,
            Header[] headers) {
        StringBuilder out = new StringBuilder("{\"topic\":");
        quote(out, topic);
        out.append(",\"partition\":").append(partition);
        out.append(",\"offset\":").append(offset);
        out.append(",\"tstype\":\"").append(typeName(type));
        out.append("\",\"ts\":").append(timestamp);
        bytes(out, "key", key);
        bytes(out, "payload", value);
        out.append(",\"headers\":[");
        for (int i = 0; i < headers.length; i++)
            header(out.append(i > 0 ? "," : ""), headers[i]);
        return out.append("]}\n").toString();
    }

    private static String typeName(TimestampType type) {
        switch (type) {
        case CREATE_TIME: return "create";
        case LOG_APPEND_TIME: return "logappend";
        default: return "unknown";
        }
    }

    private static void bytes(StringBuilder out, String name, byte[] bytes) {
        String text = text(bytes);
        out.append(",\"").append(name).append("\":");
        if (bytes == null)
            out.append("null");
        else if (text != null)
            quote(out, text);
        else
            out.append('"').append(Base64.getEncoder().encodeToString(bytes))
                .append("\",\"").append(name).append("_encoding\":\"base64\"");
    }

    private static void header(StringBuilder out, Header header) {
        byte[] value = header.value();
        String text = text(value);
        out.append('[');
        quote(out, header.key());
        out.append(',');
        if (value == null)
            out.append("null");
        else if (text != null)
            quote(out, text);
        else
            out.append('"').append(Base64.getEncoder().encodeToString(value))
                .append("\",\"base64\"");
        out.append(']');
    }

    /** Null when it is not UTF-8. */
    private static String text(byte[] bytes) {
        if (bytes == null)
            return null;
        try {
            return StandardCharsets.UTF_8.newDecoder()
                .decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            return null;
        }
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
            case '"': out.append("\\\""); break;
            case '\\': out.append("\\\\"); break;
            case '\b': out.append("\\b"); break;
            case '\f': out.append("\\f"); break;
            case '\n': out.append("\\n"); break;
            case '\r': out.append("\\r"); break;
            case '\t': out.append("\\t"); break;
            default:
                if (c < ' ')
                    out.append(String.format("\\u%04X", (int)c));
                else
                    out.append(c);
            }
        }
        out.append('"');
    }

    @Override
    public void close() throws IOException {
        json.close();
        values.close();
        records.close();
    }
}
